//! Kill, and a caller that goes away.

use std::time::Duration;

use azure_batch_emulator::{Settings, StateDelays};
use runner::Status;
use serde_json::json;

use crate::support::{Lab, Left, until, usual};

#[tokio::test]
async fn a_kill_during_the_run_ends_the_job_and_removes_everything() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"x");
    let request = lab.request("echo started; sleep 600");
    let mut run = lab.start_run(&request);
    // The line arrives while the task runs: only the kill ends it.
    run.until_line("started").await;
    run.kill.cancel();
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Killed);
    until(async || lab.jobs().await.is_empty()).await;
    assert_eq!(lab.blobs().await, [""; 0]);
}

/// Its node uploads the log before that. What came later would stay.
#[tokio::test]
async fn a_killed_job_is_deleted_only_when_it_has_ended() {
    let delays = StateDelays { running: Duration::from_secs(1), ..StateDelays::default() };
    let lab = Lab::start_with(Settings { state_delay: delays, ..usual() }).await;
    let mut run = lab.start_run(&lab.request("echo started; sleep 600"));
    run.until_line("started").await;
    run.kill.cancel();
    run.ended().await;
    let operations: Vec<_> =
        lab.emulator.requests().iter().filter_map(|one| one.operation).collect();
    let after_the_kill = operations.iter().skip_while(|one| **one != "Terminate Job");
    let until_deleted = after_the_kill.take_while(|one| **one != "Delete Job");
    let looks = until_deleted.filter(|one| **one == "Get Job").count();
    assert!(looks > 1, "it was looked at until it had ended: {operations:?}");
    assert!(operations.contains(&"Delete Job"), "{operations:?}");
}

#[tokio::test]
async fn a_kill_before_submit_creates_no_job() {
    let lab = Lab::start().await;
    let run = lab.start_run(&lab.request("true"));
    run.kill.cancel();
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Killed);
    assert_eq!(report.message(), "The run was killed before a job was created");
    assert_eq!(lab.changes(), [""; 0]);
}

#[tokio::test]
async fn a_kill_right_after_staging_leaves_no_active_job() {
    let lab = Lab::start().await;
    let mut run = lab.start_run(&lab.request("sleep 600"));
    run.until_note("Staged").await;
    run.kill.cancel();
    assert_eq!(run.ended().await.outcome().status, Status::Killed);
    until(async || lab.jobs().await.is_empty()).await;
}

#[tokio::test]
async fn a_kill_without_delete_terminates_the_job_and_keeps_it() {
    let lab = Lab::start().await;
    let mut request = lab.request("echo started; sleep 600");
    request["delete"] = json!(false);
    let mut run = lab.start_run(&request);
    run.until_line("started").await;
    run.kill.cancel();
    assert_eq!(run.ended().await.outcome().status, Status::Killed);
    let jobs = lab.jobs().await;
    assert_eq!(jobs.len(), 1);
    assert_ne!(format!("{:?}", jobs[0].state), "Active");
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_job_and_a_later_kill_still_ends_it() {
    let lab = Lab::start().await;
    let mut run = lab.start_run(&lab.request("echo started; sleep 600"));
    run.until_line("started").await;
    let before = lab.changes();
    let Left { kill, task, .. } = run.leave();
    // The run has noticed when it stops asking.
    let mut asked = 0;
    while lab.emulator.requests().len() != asked {
        asked = lab.emulator.requests().len();
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(lab.changes(), before, "a bare detach changes nothing");
    kill.cancel();
    task.await.unwrap();
    until(async || lab.jobs().await.is_empty()).await;
}
