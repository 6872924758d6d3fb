//! What can happen while no worker looks, or while two do.

use azure_batch_emulator::{Consistency, Settings};
use runner::Status;
use serde_json::{Value, json};

use crate::gate::{Gate, Step};
use crate::nodes::release;
use crate::support::{Lab, Run, directory, job_id, next_attempt, until, usual};

fn request(lab: &Lab) -> Value {
    lab.write("in.txt", b"input\n");
    let mut request = lab.request("cat in.txt; cp in.txt out.txt");
    request["outputFiles"] = json!(["out.txt"]);
    request
}

async fn nothing_is_left(lab: &Lab) {
    until(async || lab.blobs().await.is_empty() && lab.jobs().await.is_empty()).await;
}

#[tokio::test]
async fn a_job_that_is_deleted_by_hand_is_a_failure_in_words() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    request["commands"][2] = json!("echo started; sleep 600");
    let gate = Gate::start().await;
    let mut run = lab.start_run_with(&request, &gate.client());
    run.until_line("started").await;
    // Or it might see that the task was ended before it is gone.
    let looks = gate.steps().iter().filter(|step| step.kind == "get task").count();
    let held = gate.hold(&Step::new("get task", looks + 1));
    held.arrived().await;
    lab.batch().delete_job(&job_id(&request)).await.unwrap();
    until(async || lab.jobs().await.is_empty()).await;
    held.release();
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Failed);
    let start = "The Batch task was deleted while it was followed: ";
    assert!(report.message().starts_with(start), "{report:?}");
    nothing_is_left(&lab).await;
}

#[tokio::test]
async fn a_job_that_was_deleted_while_nobody_looked_is_begun_anew_and_its_blobs_are_removed() {
    let lab = Lab::start().await;
    let request = request(&lab);
    let mut first = lab.start_run(&request);
    first.until_note("Job").await;
    drop(first.leave());
    lab.batch().delete_job(&job_id(&request)).await.unwrap();
    until(async || lab.jobs().await.is_empty()).await;
    let report = lab.run_impatiently(&next_attempt(&request)).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(report.stdout, ["input"]);
    assert_eq!(lab.jobs_created(), 2);
    nothing_is_left(&lab).await;
}

/// A worker that is gone after this request, before it has the answer.
async fn die_after(lab: &Lab, request: &Value, kind: &str) -> Run {
    let gate = Gate::start().await;
    let held = gate.hold(&Step::new(kind, 1));
    let mut run = lab.start_run_with(request, &gate.client());
    tokio::select! {
        () = held.arrived() => {}
        () = run.until_end() => unreachable!("it waits for its answer"),
    }
    run.task.abort();
    held.release();
    until(async || gate.is_idle()).await;
    run
}

#[tokio::test]
async fn files_of_a_worker_that_died_before_it_had_a_job_are_removed_by_the_next() {
    let lab = Lab::start().await;
    let request = request(&lab);
    die_after(&lab, &request, "put blob in").await;
    assert!(lab.blobs().await.contains(&format!("{}/in/in.txt", directory(&request))));
    let report = lab.run_impatiently(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["input"], "{report:?}");
    assert_eq!(lab.jobs_created(), 1);
    nothing_is_left(&lab).await;
}

#[tokio::test]
async fn a_job_whose_worker_died_before_it_had_a_task_gets_it_from_the_next() {
    let lab = Lab::start().await;
    let request = request(&lab);
    die_after(&lab, &request, "post jobs").await;
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["input"], "{report:?}");
    assert_eq!(lab.read("out.txt"), b"input\n");
    assert_eq!(lab.jobs_created(), 1);
    nothing_is_left(&lab).await;
}

/// No list has what its worker created before it died, and it is not found at once either.
#[tokio::test]
async fn a_job_or_task_that_is_too_new_to_be_seen_is_gone_on_with_by_the_next() {
    for request_of_its_worker in ["post jobs", "post tasks", "patch job"] {
        let lab = Lab::start_with(Settings { consistency: Consistency::Eventual, ..usual() }).await;
        let mut request = request(&lab);
        // It ends while it is followed: otherwise the next worker waits whether its outcome was reported.
        request["commands"][2] = json!("sleep 3; cat in.txt");
        request["outputFiles"] = json!([]);
        die_after(&lab, &request, request_of_its_worker).await;
        let report = lab.run(&next_attempt(&request)).await;
        assert_eq!(report.stdout, ["input"], "{report:?}");
        assert_eq!(lab.jobs_created(), 1, "{request_of_its_worker}");
        nothing_is_left(&lab).await;
    }
}

/// Nobody asks for the same attempt again once Kestra has recorded its outcome.
#[tokio::test]
async fn what_a_worker_left_that_died_while_it_cleaned_up_is_removed_by_a_retry() {
    let lab = Lab::start().await;
    let request = request(&lab);
    let first = die_after(&lab, &request, "delete job").await;
    assert!(first.has_outcome());
    assert!(!lab.blobs().await.is_empty());
    let report = lab.run_impatiently(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["input"]);
    nothing_is_left(&lab).await;
}

#[tokio::test]
async fn a_worker_whose_job_another_one_has_taken_over_leaves_it_alone() {
    let lab = Lab::start().await;
    let (mut request, gate) = (request(&lab), Gate::start().await);
    // Where there are inputs, a node has two directories with the name of the run.
    std::fs::remove_file(lab.dir.path().join("in.txt")).unwrap();
    request["commands"][2] =
        json!("echo input; until test -e go; do sleep 0.1; done; echo done > out.txt");
    let held = gate.hold(&Step::new("post jobs", 1));
    let first = lab.start_run_with(&request, &gate.client());
    held.arrived().await;
    let mut second = lab.start_run(&next_attempt(&request));
    second.until_line("input").await;
    held.release();
    let report = first.ended().await;
    assert_eq!(report.outcome().status, Status::Failed);
    assert!(report.message().contains("TaskExists"), "{report:?}");
    release(&lab, "no node").await;
    let report = second.ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(lab.read("out.txt"), b"done\n");
    assert_eq!(lab.jobs_created(), 1);
    nothing_is_left(&lab).await;
}

#[tokio::test]
async fn a_worker_whose_staged_files_another_one_has_removed_creates_no_job() {
    let lab = Lab::start().await;
    let (request, gate) = (request(&lab), Gate::start().await);
    // It repeats what stands still for 2 s.
    let held = [1, 2, 3, 4, 5].map(|n| gate.hold(&Step::new("put blob in", n)));
    let first = lab.start_run_with(&request, &gate.client());
    held[0].arrived().await;
    let report = lab.run_impatiently(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["input"], "{report:?}");
    held.iter().for_each(|held| held.release());
    let report = first.ended().await;
    assert!(
        report.message().starts_with("Another worker has taken this task run over"),
        "{report:?}"
    );
    assert_eq!(lab.jobs_created(), 1);
    nothing_is_left(&lab).await;
}
