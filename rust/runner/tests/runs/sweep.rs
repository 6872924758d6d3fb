//! The same run, stopped after each of its requests in turn.

use std::time::Duration;

use azure::batch::JobState;
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::resuming::next_attempt;
use crate::support::{Lab, Report, Run, until};

/// The shape of the seed flow: an input, an output, both streams.
fn request(lab: &Lab) -> Value {
    lab.write("in.txt", b"input\n");
    let mut request = lab.request("cat in.txt; echo careful >&2; cp in.txt out.txt");
    request["inputFiles"] = json!(["in.txt"]);
    request["outputFiles"] = json!(["out.txt"]);
    request
}

/// A run that is under way until its `k`-th answer; nothing if it has fewer.
async fn started(lab: &Lab, gate: &mut Gate, request: &Value, k: usize) -> Option<Run> {
    let mut run = lab.start_run_with(request, &gate.client());
    tokio::select! {
        _ = gate.answered(k) => Some(run),
        () = run.until_end() => None,
    }
}

/// How many requests a whole run makes. Polling makes it vary, so the sweeps go on until a run ends first.
const AT_LEAST: usize = 20;

#[tokio::test]
async fn a_kill_after_any_request_leaves_nothing() {
    let lab = Lab::start().await;
    let mut k = 0;
    loop {
        k += 1;
        let mut gate = Gate::start().await;
        let Some(run) = started(&lab, &mut gate, &renamed(&request(&lab), k), k).await else {
            break;
        };
        run.kill.cancel();
        run.task_ended().await;
        let active = lab.jobs().await.iter().filter(|job| job.state == JobState::Active).count();
        assert_eq!(active, 0, "after request {k}");
        until(async || lab.blobs().await.is_empty() && lab.jobs().await.is_empty()).await;
    }
    assert!(k > AT_LEAST, "{k}");
}

#[tokio::test]
async fn a_worker_that_stops_after_any_request_is_replaced_and_the_result_is_right() {
    let lab = Lab::start().await;
    let mut k = 0;
    loop {
        k += 1;
        let mut gate = Gate::start().await;
        let before = lab.jobs_created();
        let request = request(&lab);
        let Some(run) = started(&lab, &mut gate, &renamed(&request, k), k).await else { break };
        let (first, kill) = run.left();
        quiet(&gate).await;
        let last = if first.has_outcome() {
            // The worker that stops has it, and Kestra asks for no other.
            Report::default()
        } else {
            std::fs::remove_file(lab.dir.path().join("out.txt")).ok();
            lab.run(&renamed(&next_attempt(&request), k)).await
        };
        let outcomes = [&first, &last].map(Report::has_succeeded);
        assert!(outcomes[0] ^ outcomes[1], "after request {k}: {first:?} {last:?}");
        assert_eq!([first.stdout, last.stdout].concat(), ["input"], "after request {k}");
        assert_eq!([first.stderr, last.stderr].concat(), ["careful"], "after request {k}");
        assert_eq!(lab.read("out.txt"), b"input\n", "after request {k}");
        assert_eq!(lab.jobs_created() - before, 1, "after request {k}");
        until(async || lab.blobs().await.is_empty() && lab.jobs().await.is_empty()).await;
        drop(kill);
    }
    assert!(k > AT_LEAST, "{k}");
}

/// The k-th run is another Kestra task run with names of its own, so that it meets none of the others.
fn renamed(request: &Value, k: usize) -> Value {
    let random = ["1a2b3c4d", "5e6f7a8b", "0123456789ab", "ba9876543210"];
    let text = random.iter().fold(request.to_string(), |text, name| {
        text.replace(name, &format!("{}{k:06}", &name[..name.len() - 6]))
    });
    let mut request: Value = serde_json::from_str(&text).unwrap();
    request["labels"]["kestra-taskrun-id"] = json!(format!("taskrun{k}"));
    request
}

/// Waits until a run that was left makes no more requests.
async fn quiet(gate: &Gate) {
    let mut last = usize::MAX;
    while gate.count() != last {
        last = gate.count();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
