//! What a run needs of a worker's memory, whatever its task writes. Each test has a process of its own.

use runner::{Event, Plan, Request, Status};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Lab, renamed};

/// The most memory that this process has had, in KiB.
pub(crate) fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Forgets the peak, and returns the memory that this process has now, in KiB.
pub(crate) fn reset_peak() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak()
}

/// What was told of the task's output: bytes, lines, and the longest of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    bytes: usize,
    lines: usize,
    longest: usize,
}

/// Runs a task and keeps nothing of what it writes.
async fn run(request: &Value) -> Told {
    let request = Request::from_json(&request.to_string()).unwrap();
    let plan = Plan::new(request, &runner::Network::new().unwrap()).unwrap();
    let (events, mut pull) = runner::channel();
    let run = tokio::spawn(runner::run(plan, events, CancellationToken::new()));
    let mut told = Told::default();
    loop {
        let events = pull.next().await;
        if events.is_empty() {
            break;
        }
        for event in events {
            match event {
                Event::Log { lines, .. } => told.take(&lines),
                Event::Outcome(outcome) => {
                    assert_eq!(outcome.status, Status::Succeeded);
                    pull.acknowledge();
                }
                Event::Note { .. } | Event::Progress { .. } | Event::Select { .. } | Event::End => {
                }
            }
        }
    }
    run.await.unwrap();
    told
}

impl Told {
    fn take(&mut self, lines: &[String]) {
        self.lines += lines.len();
        self.bytes += lines.iter().map(String::len).sum::<usize>();
        self.longest = lines.iter().map(String::len).chain([self.longest]).max().unwrap();
    }
}

/// What the output of this script adds to the peak.
async fn growth(script: &str) -> (Told, u64) {
    let lab = Lab::start().await;
    let mut small = lab.request("seq 10000");
    // The emulator is in this process too, and uploads logs.
    small["blobStorage"] = json!(null);
    run(&small).await;
    let mut request = small.clone();
    request = renamed(&request);
    request["commands"][2] = json!(script);
    let before = peak();
    let told = run(&request).await;
    (told, peak().saturating_sub(before))
}

#[tokio::test]
async fn a_hundred_megabytes_without_a_line_end_cost_little() {
    let (told, growth) = growth("head -c 100000000 /dev/zero | tr '\\0' x").await;
    let lines = 100_000_000_usize.div_ceil(64 * 1024);
    assert_eq!(told, Told { bytes: 100_000_000, lines, longest: 64 * 1024 });
    assert!(growth < 4 * 1024, "{growth} KiB");
}

#[tokio::test]
async fn ten_million_empty_lines_cost_little() {
    let (told, growth) = growth("head -c 10000000 /dev/zero | tr '\\0' '\\n'").await;
    assert_eq!(told, Told { bytes: 0, lines: 10_000_000, longest: 0 });
    assert!(growth < 4 * 1024, "{growth} KiB");
}
