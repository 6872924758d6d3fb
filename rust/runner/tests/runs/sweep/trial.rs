//! The run that the sweeps repeat, of the seed flow's shape.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runner::{Network, Plan, Request, RetryPolicy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use super::judge::Told;
use crate::gate::Gate;
use crate::support::{Lab, Run, happens};

pub(super) const INPUTS: [(&str, &[u8]); 3] =
    [("in/a.txt", b"first\n"), ("in/b c#%1.bin", b"\x00\xff\n\x80last"), ("empty", b"")];

/// The task waits in the middle, until somebody has looked at both of its streams.
const SCRIPT: &str = "cat in/a.txt; echo zwölf; echo careful >&2
    n=0; while [ ! -e \"$AZ_BATCH_TASK_WORKING_DIR/go\" ]; do
        n=$((n+1)); [ $n -gt 1200 ] && exit 99; sleep 0.05
    done
    cp 'in/b c#%1.bin' copy.bin; mkdir -p deep/.er; echo made > deep/.er/made.txt; : > deep/none
    echo out > kestra-output/out.txt; echo second; echo late >&2; exit ";

/// As many attempts as a worker makes, with shorter waits.
pub(super) const EAGER: RetryPolicy =
    RetryPolicy { attempts: 10, base: Duration::from_millis(5), max: Duration::from_millis(50) };

/// Every request is made once.
pub(super) const NO_RETRIES: RetryPolicy = RetryPolicy { attempts: 1, ..EAGER };

/// A run that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// One Kestra task run, with names of its own in a lab that it shares with others.
pub(super) struct Trial<'a> {
    lab: &'a Lab,
    number: usize,
    pub(super) exit_code: i32,
    retry: RetryPolicy,
}

/// A worker that is busy with the task run, in a directory of its own.
pub(super) struct Worker {
    pub(super) gate: Arc<Gate>,
    pub(super) run: Run,
    pub(super) dir: TempDir,
    pub(super) request: Value,
}

impl Worker {
    /// Its process is killed: the run's future is gone, and so is its client.
    pub(super) async fn die(self) -> Told {
        let Self { gate, mut run, dir, request } = self;
        run.task.abort();
        // Until then it may still write or remove files.
        (&mut run.task).await.ok();
        Told::new(run.leave().report, &gate, dir.path(), &request)
    }
}

impl<'a> Trial<'a> {
    pub(super) fn new(lab: &'a Lab, exit_code: i32, retry: RetryPolicy) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        Self { lab, number: COUNT.fetch_add(1, Ordering::Relaxed), exit_code, retry }
    }

    /// The n-th worker that is asked for the task run. It sends all its requests through the gate.
    pub(super) fn worker(&self, gate: &Arc<Gate>, number: usize) -> Worker {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in INPUTS {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let request = self.request(dir.path(), number);
        let parsed = Request::from_json(&request.to_string()).unwrap();
        let plan = Plan::with_retry(parsed, &Network::over(gate.client()), self.retry).unwrap();
        Worker { gate: Arc::clone(gate), run: Run::start(plan), dir, request }
    }

    /// Every worker has random names of its own.
    fn request(&self, dir: &Path, worker: usize) -> Value {
        let prefix = format!("{}{worker:012x}", self.prefix_start());
        let mut request = self.lab.request(&format!("{SCRIPT}{}", self.exit_code));
        request["jobName"] = json!(format!("company-team-flow-task-{worker:08x}"));
        request["labels"] = json!({
            "kestra-taskrun-id": format!("taskrun{}", self.number),
            "kestra-taskrun-attempt": worker.to_string(),
        });
        request["localWorkingDir"] = json!(dir);
        request["containerWorkingDir"] = json!(format!("/tmp/{prefix}"));
        request["stagingPrefix"] = json!(prefix);
        request["outputFiles"] = json!(["copy.bin", "deep/**"]);
        request["outputDir"] = json!("local");
        request
    }

    fn job_start(&self) -> String {
        format!("company-team-flow-task-{:020x}-", self.number)
    }

    fn prefix_start(&self) -> String {
        format!("kestra-{:020x}-", self.number)
    }

    /// Waits for the end of the run. It gets no further than its middle before both streams were read.
    pub(super) async fn ended(&self, worker: Worker) -> Told {
        let Worker { gate, run, dir, request } = worker;
        let whole = async {
            tokio::select! {
                report = run.ended() => Some(report),
                () = self.let_go(&gate) => None,
            }
        };
        let report = timeout(PATIENCE, whole).await.ok().flatten();
        let report = report.filter(|report| report.result().is_some());
        Told::new(report.unwrap_or_default(), &gate, dir.path(), &request)
    }

    /// Lets the task go on, and never returns.
    pub(super) async fn let_go(&self, gate: &Gate) {
        gate.until(|gate| gate.has_answered("get stderr.txt")).await;
        // A task that is over has no directory any more, and needs none.
        let go = |wd: &PathBuf| std::fs::write(wd.join("go"), "").is_ok();
        happens(async || self.working_directories().filter(|wd| go(wd)).count() > 0).await;
        std::future::pending().await
    }

    /// The task's `wd`, on whatever node it runs.
    fn working_directories(&self) -> impl Iterator<Item = PathBuf> {
        let nodes = std::fs::read_dir(self.lab.node.path()).unwrap().flatten();
        let jobs = nodes.filter_map(|node| std::fs::read_dir(node.path().join("workitems")).ok());
        let start = self.job_start();
        jobs.flatten().flatten().filter_map(move |job| {
            let name = job.file_name().into_string().unwrap();
            name.starts_with(&start).then(|| job.path().join("job-1").join(name).join("wd"))
        })
    }

    /// What is there of the run, once it had the time to go away.
    pub(super) async fn left_behind(&self) -> Vec<String> {
        let mut left = Vec::new();
        happens(async || {
            left = self.remains().await;
            left.is_empty()
        })
        .await;
        left.into_iter().map(|name| format!("left behind: {name}")).collect()
    }

    async fn remains(&self) -> Vec<String> {
        let filter = format!("startswith(id,'{}')", self.job_start());
        let jobs = self.lab.batch().list_jobs(Some(&filter)).await.unwrap();
        let blobs = self.lab.blobs_below(&self.prefix_start()).await;
        jobs.into_iter().map(|job| job.id).chain(blobs).collect()
    }
}
