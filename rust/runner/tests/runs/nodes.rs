//! Nodes that fail while a run needs them.

use azure::batch::NodeState;
use azure_batch_emulator::{NodeError, PoolSettings, RequeueCount, ResizeError, Settings};
use runner::{Level, Status};
use serde_json::{Value, json};
use walkdir::WalkDir;

use crate::support::{Lab, POOL, next_attempt, until, usual};

/// Writes two lines and waits to be let go.
const SCRIPT: &str = "echo first; echo careful >&2; until test -e go; do sleep 0.1; done; echo second; \
     echo done > out.txt";

const AGAIN: &str = "Batch runs the task again, from its beginning; so does the log";

async fn lab_of(pool: &str, requeue_count: RequeueCount) -> Lab {
    let pools: Vec<PoolSettings> = vec![pool.parse().unwrap()];
    Lab::start_with(Settings { pools, requeue_count, ..usual() }).await
}

fn request(lab: &Lab) -> Value {
    let mut request = lab.request(SCRIPT);
    request["outputFiles"] = json!(["out.txt"]);
    request
}

/// The node that runs the only task of the lab.
async fn node_of_the_task(lab: &Lab) -> String {
    let job = &lab.jobs().await[0].id;
    let task = lab.batch().get_task(job, job).await.unwrap();
    task.node_info.and_then(|node| node.node_id).unwrap_or_default()
}

/// Lets the task go on that runs on another node than this one.
pub(crate) async fn release(lab: &Lab, lost: &str) {
    until(async || {
        let directory = WalkDir::new(lab.node.path()).into_iter().flatten().find(|entry| {
            entry.file_name().to_string_lossy().starts_with("kestra-3f9a")
                && !entry.path().to_string_lossy().contains(lost)
        });
        directory.is_some_and(|entry| std::fs::write(entry.path().join("go"), "").is_ok())
    })
    .await;
}

#[tokio::test]
async fn the_task_of_a_lost_node_runs_again_and_its_new_log_arrives_in_full() {
    for counted in [RequeueCount::All, RequeueCount::Requests] {
        let lab = lab_of("pool:nodes=2", counted).await;
        let mut run = lab.start_run(&request(&lab));
        run.until_line("first").await;
        let lost = node_of_the_task(&lab).await;
        lab.emulator.lose_node(POOL, &lost).unwrap();
        run.until_note(AGAIN).await;
        release(&lab, &lost).await;
        let report = run.ended().await;
        assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
        assert_eq!(report.stdout, ["first", "first", "second"], "{report:?}");
        assert_eq!(lab.read("out.txt"), b"done\n");
        assert_eq!(lab.jobs_created(), 1);
    }
}

#[tokio::test]
async fn a_worker_that_goes_on_after_the_loss_of_the_node_misses_no_line() {
    for counted in [RequeueCount::All, RequeueCount::Requests] {
        let lab = lab_of("pool:nodes=2", counted).await;
        let mut first = lab.start_run(&request(&lab));
        first.until_line("first").await;
        let lost = node_of_the_task(&lab).await;
        drop(first.leave());
        until(async || lab.blobs().await.iter().any(|blob| blob.ends_with("/state.json"))).await;
        lab.emulator.lose_node(POOL, &lost).unwrap();
        release(&lab, &lost).await;
        let report = lab.run(&next_attempt(&request(&lab))).await;
        assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
        assert_eq!(report.stdout, ["first", "second"], "{report:?}");
        assert_eq!(report.stderr, ["careful"], "{report:?}");
    }
}

#[tokio::test]
async fn a_run_on_a_preempted_node_goes_on_once_the_node_is_back() {
    let lab = lab_of("pool:nodes=0,low-priority=1", RequeueCount::All).await;
    let mut run = lab.start_run(&request(&lab));
    run.until_line("first").await;
    let node = node_of_the_task(&lab).await;
    lab.emulator.preempt_node(POOL, &node).unwrap();
    run.until_note("The Batch task is active").await;
    lab.emulator.recover_node(POOL, &node).await.unwrap();
    run.until_note("The Batch task is running").await;
    release(&lab, "no node").await;
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert!(report.stdout.ends_with(&["second".to_owned()]), "{report:?}");
}

#[tokio::test]
async fn a_node_that_becomes_unusable_is_named_with_its_error_while_the_task_waits() {
    let lab = lab_of("pool", RequeueCount::All).await;
    let node = lab.emulator.node_ids(POOL).unwrap().remove(0);
    let full = NodeError::new("DiskFull", "There is not enough disk space");
    lab.emulator.make_node_unusable(POOL, &node, vec![full]).unwrap();
    let mut run = lab.start_run(&lab.request("echo here"));
    let waits = format!(
        "poolId: the task waits for a node: the pool 'pool' has 1 node(s): 1 unusable; \
         node '{node}': DiskFull: There is not enough disk space"
    );
    run.until_note(&waits).await;
    lab.emulator.recover_node(POOL, &node).await.unwrap();
    let report = run.ended().await;
    assert!(report.notes.contains(&(Level::Warn, waits)), "{report:?}");
    assert_eq!(report.stdout, ["here"]);
}

#[tokio::test]
async fn a_pool_that_gets_no_nodes_fails_the_run_at_wait_until_running_with_the_reason() {
    let pool: PoolSettings = "pool".parse().unwrap();
    let quota = ResizeError::new("AccountCoreQuotaReached", "no cores left");
    let pools = vec![PoolSettings { resize_error: Some(quota), ..pool }];
    let lab = Lab::start_with(Settings { pools, ..usual() }).await;
    let mut request = lab.request("true");
    request["waitUntilRunning"] = json!(0.5);
    let report = lab.run(&request).await;
    // Of the last resize, for it may be long ago.
    let (before, after) = report.message().split_once(" (2").unwrap();
    assert_eq!(
        before,
        "waitUntilRunning of 500ms was reached before a node took the task: the pool 'pool' has no \
         nodes now, its target is 1; its last resize"
    );
    assert!(after.ends_with("Z) failed: AccountCoreQuotaReached: no cores left"), "{after}");
    assert_eq!(report.outcome().exit_code, None);
    until(async || lab.jobs().await.is_empty()).await;
}

#[tokio::test]
async fn a_failed_start_task_is_named_with_its_exit_code() {
    let start_task = Some("/bin/sh -c \"exit 3\"".into());
    let pools = vec![PoolSettings { start_task, ..POOL.into() }];
    let lab = Lab::start_with(Settings { pools, ..usual() }).await;
    let node = lab.emulator.node_ids(POOL).unwrap().remove(0);
    until(async || {
        let nodes = lab.batch().list_nodes(POOL).await.unwrap();
        nodes[0].state == NodeState::StartTaskFailed
    })
    .await;
    let mut request = lab.request("true");
    request["waitUntilRunning"] = json!(0.5);
    let report = lab.run(&request).await;
    assert_eq!(
        report.message(),
        format!(
            "waitUntilRunning of 500ms was reached before a node took the task: the pool 'pool' has \
             1 node(s): 1 starttaskfailed; node '{node}': its start task exited with code 3"
        )
    );
}

#[tokio::test]
async fn wait_until_running_does_not_end_a_task_that_runs() {
    let lab = lab_of("pool", RequeueCount::All).await;
    let mut request = lab.request("sleep 6; echo done");
    request["waitUntilRunning"] = json!(5.0);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(report.stdout, ["done"]);
}
