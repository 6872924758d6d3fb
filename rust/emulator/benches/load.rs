//! Measures the emulator program with many tasks, many connections and long use.
//!
//! `make bench`. Tasks are plain processes here, so that the emulator is measured and not the
//! sandbox.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

#[expect(dead_code, reason = "made for the tests")]
#[path = "../tests/emulator/support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::client::Client;
use support::load::{all_completed, create_tasks, delete_job, poll};
use support::program::{client, program, resident_memory};
use tempfile::TempDir;
use tokio::process::Child;

/// Tasks per job; the jobs run one after the other and are deleted at their end.
const TASKS: usize = 2000;
const JOBS: usize = 5;
const CONNECTIONS: usize = 500;
/// The pause of a connection between two requests.
const PAUSE: Duration = Duration::from_secs(1);

struct Emulator {
    child: Child,
    client: Client,
    _root: TempDir,
}

impl Emulator {
    async fn start() -> Emulator {
        let root = tempfile::tempdir().unwrap();
        let pool = "pool:nodes=4,slots=4,containers=no";
        let path = root.path().to_str().unwrap();
        let arguments = ["--pool", pool, "--isolation", "none", "--node-root", path];
        let mut child = program(&arguments).args(["--deleted-id-delay", "0"]).spawn().unwrap();
        let client = client(&mut child).await;
        Emulator { child, client, _root: root }
    }

    fn megabytes(&self) -> f64 {
        resident_memory(&self.child) as f64 / f64::from(1 << 20)
    }
}

fn task(n: usize) -> Value {
    let hour = json!({"retentionTime": "PT1H"});
    json!({"id": format!("t{n}"), "commandLine": "true", "constraints": hour})
}

#[tokio::main]
async fn main() {
    long_use().await;
    many_connections().await;
}

async fn long_use() {
    let emulator = Emulator::start().await;
    println!("at the start: {:.1} MB resident", emulator.megabytes());
    for job in 1..=JOBS {
        let start = Instant::now();
        create_tasks(&emulator.client, "job", TASKS, task).await;
        all_completed(&emulator.client, "job", TASKS as u64).await;
        let rate = TASKS as f64 / start.elapsed().as_secs_f64();
        delete_job(&emulator.client, "job").await;
        let (total, memory) = (job * TASKS, emulator.megabytes());
        println!("after {total} tasks: {memory:.1} MB resident, {rate:.0} tasks per second");
    }
}

async fn many_connections() {
    let emulator = Emulator::start().await;
    create_tasks(&emulator.client, "job", TASKS, task).await;
    let mut paths: Vec<String> = (0..TASKS).map(|n| format!("/jobs/job/tasks/t{n}")).collect();
    paths.push("/jobs/job".to_owned());
    let enough = AtomicBool::new(false);
    let ended = async {
        all_completed(&emulator.client, "job", TASKS as u64).await;
        enough.store(true, Ordering::Relaxed);
    };
    let poll = poll(&emulator.client, &paths, CONNECTIONS, PAUSE, &enough);
    let (mut times, ()) = tokio::join!(poll, ended);
    times.sort();
    let at = |part: f64| times[(times.len() as f64 * part) as usize].as_secs_f64() * 1000.0;
    println!(
        "{CONNECTIONS} connections, {} requests while {TASKS} tasks ran: median {:.1} ms, 95 % within {:.1} ms",
        times.len(),
        at(0.5),
        at(0.95)
    );
}
