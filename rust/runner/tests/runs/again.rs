//! Tasks that Batch runs again while their log is read: whatever is asked for meanwhile, the log of the last run is whole.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azure_batch_emulator::{RequeueCount, Settings};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::gate::{Gate, Held, Step};
use crate::support::{Lab, POOL, Report, Run, job_id, next_attempt, renamed, until, usual};

/// Writes so many lines and the beginning of another one, tells this test so in a file, and waits for its leave to end.
/// In the second run it has more to say, from the same beginning.
const SCRIPT: &str = r#"
me=$AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID; echo x >>$me; n=$(wc -l <$me); i=0
text=$(echo "$TEXT" | sed "s/RUN/$n/")
while [ $i -lt $((n * 10)) ]; do
  echo "$text line $i"; echo "$text error $i" >&2; i=$((i + 1)); [ $n = 2 ] || sleep $PAUSE
done
printf "end $n"; printf "end $n" >&2; touch $me.wrote$n
until [ -e $me.go$n ]; do sleep 0.1; done
[ $n = 2 ]"#;

/// How a task comes to run again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cause {
    /// It fails, and is run again on its node.
    Retry,
    NodeLost,
}

/// A task under way, and the gate to its services.
struct Trial<'a> {
    lab: &'a Lab,
    gate: Gate,
    cause: Cause,
    request: Value,
}

impl<'a> Trial<'a> {
    async fn new(lab: &'a Lab, cause: Cause, text: &str, pause: f64) -> Self {
        let mut request = renamed(&lab.request(SCRIPT));
        request["environment"] = json!({"TEXT": text, "PAUSE": pause.to_string()});
        request["maxTaskRetryCount"] = json!(i32::from(cause == Cause::Retry));
        Self { lab, gate: Gate::start().await, cause, request }
    }

    /// The task has written all of its first run, runs again, and has written all of that run too.
    async fn run_again(&self) {
        let first = self.wrote(1).await;
        match self.cause {
            Cause::Retry => std::fs::write(first.join(self.file("go1")), "").unwrap(),
            Cause::NodeLost => {
                self.nodes().filter(|node| *node != first).for_each(|node| self.count_run(&node));
                let lost = first.file_name().unwrap().to_str().unwrap();
                self.lab.emulator.lose_node(POOL, lost).unwrap();
            }
        }
        let last = self.wrote(2).await;
        std::fs::write(last.join(self.file("go2")), "").unwrap();
    }

    /// The next run on this node is the second one.
    fn count_run(&self, node: &Path) {
        let count = node.join("shared").join(job_id(&self.request));
        std::fs::write(&count, "x\n").unwrap();
        std::fs::set_permissions(&count, Permissions::from_mode(0o666)).unwrap();
    }

    /// Waits until the task has written all of a run, and returns the node.
    async fn wrote(&self, run: usize) -> PathBuf {
        let file = self.file(&format!("wrote{run}"));
        let wrote = || self.nodes().find(|node| node.join(&file).exists());
        until(async || wrote().is_some()).await;
        wrote().unwrap()
    }

    fn nodes(&self) -> impl Iterator<Item = PathBuf> {
        let nodes = std::fs::read_dir(self.lab.node.path()).unwrap();
        nodes.flatten().map(|node| node.path()).filter(|node| node.join("shared").exists())
    }

    /// Relative to a node's directory.
    fn file(&self, name: &str) -> String {
        format!("shared/{}.{name}", job_id(&self.request))
    }

    /// Runs the task, which runs again when this request has come to the gate.
    async fn run_again_at(&self, run: Run, held: &Held) -> Report {
        let again = async {
            held.arrived().await;
            self.run_again().await;
            held.release();
        };
        tokio::join!(run.ended(), again).0
    }

    /// What a run of the task writes to a stream.
    fn lines(&self, run: usize, kind: &str) -> Vec<String> {
        let text = self.request["environment"]["TEXT"].as_str().unwrap();
        let text = text.replace("RUN", &run.to_string());
        let lines = (0..run * 10).map(|line| format!("{text} {kind} {line}"));
        lines.chain([format!("end {run}")]).collect()
    }

    /// Checks what was told of the first run and of the last, and returns how many lines came before those of the last.
    /// Where both have written the same, a worker cannot know whose it is.
    fn check(&self, what: &str, told: &[String], kind: &str) -> usize {
        let first = self.lines(1, kind);
        let last = self.lines(2, kind);
        let before = told.strip_suffix(&*last);
        let before =
            before.unwrap_or_else(|| panic!("{what}: the last run is not whole: {told:?}"));
        let is_of_a_run = first.starts_with(before) || last.starts_with(before);
        assert!(is_of_a_run, "{what}: {before:?} are no lines of the first run");
        before.len()
    }

    fn check_both(&self, what: &str, told: &Report) -> [usize; 2] {
        [(&told.stdout, "line"), (&told.stderr, "error")]
            .map(|(told, kind)| self.check(&format!("{what}, {kind}"), told, kind))
    }
}

async fn lab(pool: &str, requeue_count: RequeueCount) -> Lab {
    let pools = vec![pool.parse().unwrap()];
    // The runs are not to wait for each other.
    Lab::start_with(Settings { pools, requeue_count, rate_limit: None, ..usual() }).await
}

/// At which request of a run the task runs again: before the service has it, or before its answer arrives.
fn moments() -> impl Iterator<Item = (Step, bool)> {
    let kinds = ["get task", "get stdout.txt", "get stderr.txt"];
    let steps = kinds.into_iter().flat_map(|kind| (1..=4).map(move |n| Step::new(kind, n)));
    steps.flat_map(|step| [true, false].map(|is_before| (step.clone(), is_before)))
}

fn hold(gate: &Gate, step: &Step, is_before: bool) -> Arc<Held> {
    if is_before { gate.delay(step) } else { gate.hold(step) }
}

async fn run_again_at_each_moment(lab: &Lab, cause: Cause, text: &str) {
    let trials = moments().map(async |(step, is_before)| {
        let trial = Trial::new(lab, cause, text, 0.1).await;
        let held = hold(&trial.gate, &step, is_before);
        let run = lab.start_run_with(&trial.request, &trial.gate.patient_client());
        let told = trial.run_again_at(run, &held).await;
        trial.check_both(&format!("{step}, {is_before}"), &told);
    });
    join_all(trials).await;
}

#[tokio::test]
async fn a_task_that_fails_and_runs_again_at_any_moment_has_its_last_log_whole() {
    let lab = lab("pool:slots=30", RequeueCount::All).await;
    run_again_at_each_moment(&lab, Cause::Retry, "run RUN").await;
}

#[tokio::test]
async fn a_task_that_says_the_same_again_at_any_moment_has_its_last_log_whole() {
    let lab = lab("pool:slots=30", RequeueCount::All).await;
    run_again_at_each_moment(&lab, Cause::Retry, "any run").await;
}

#[tokio::test]
async fn a_task_whose_node_is_lost_at_any_moment_has_its_last_log_whole() {
    let lab = lab("pool:nodes=60,slots=1", RequeueCount::All).await;
    run_again_at_each_moment(&lab, Cause::NodeLost, "run RUN").await;
}

#[tokio::test]
async fn a_task_that_runs_again_at_any_moment_without_being_counted_has_its_last_log_whole() {
    let lab = lab("pool:nodes=60,slots=1", RequeueCount::Requests).await;
    run_again_at_each_moment(&lab, Cause::NodeLost, "run RUN").await;
}

/// What the first worker has delivered is of the first run alone.
#[tokio::test]
async fn a_task_that_runs_again_at_any_moment_of_a_second_worker_has_its_last_log_whole() {
    let lab = lab("pool:slots=30", RequeueCount::All).await;
    let trials = moments().map(async |(step, is_before)| {
        let trial = Trial::new(&lab, Cause::Retry, "any run", 0.1).await;
        let mut first = lab.start_run(&trial.request);
        first.until_line("any run line 3").await;
        let left = first.left();
        let first = first.leave();
        left.cancelled().await;
        let held = hold(&trial.gate, &step, is_before);
        let next = next_attempt(&trial.request);
        let second = lab.start_run_with(&next, &trial.gate.patient_client());
        let second = trial.run_again_at(second, &held).await;
        let told = [first.report.stdout, second.stdout].concat();
        trial.check(&format!("{step}, {is_before}"), &told, "line");
    });
    join_all(trials).await;
}

/// They were read before the new run had begun, though it had begun before they could be delivered.
#[tokio::test]
async fn lines_of_an_earlier_run_that_were_read_are_delivered_with_its_last_line() {
    let lab = lab("pool", RequeueCount::All).await;
    let trial = Trial::new(&lab, Cause::Retry, "run RUN", 0.0).await;
    let streams = ["get stdout.txt", "get stderr.txt"].map(|kind| Step::new(kind, 1));
    let [stdout, stderr] = streams.map(|step| trial.gate.delay(&step));
    let run = lab.start_run_with(&trial.request, &trial.gate.patient_client());
    let again = async {
        stdout.arrived().await;
        trial.wrote(1).await;
        stdout.release();
        stderr.arrived().await;
        // What a read brings is followed by a look.
        let looks = trial.gate.steps().iter().filter(|step| step.kind == "get task").count();
        let look = trial.gate.delay(&Step::new("get task", looks + 1));
        stderr.release();
        look.arrived().await;
        trial.run_again().await;
        look.release();
    };
    let told = tokio::join!(run.ended(), again).0;
    assert_eq!(trial.check_both("", &told), [11, 11], "{told:?}");
}
