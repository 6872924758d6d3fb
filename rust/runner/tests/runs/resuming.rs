//! A worker that goes on where another one stopped.

use azure::batch::{JobState, NewJob, PoolInfo};
use runner::Status;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::gate::{Gate, Step};
use crate::nodes::release;
use crate::support::{
    DIGEST, Lab, Left, POOL, directory, job_id, next_attempt, renamed, until, with_names,
};

/// Long enough for its first line to be seen while it runs.
const SCRIPT: &str = "echo first; sleep 3; echo second; echo done > out.txt";

fn request(lab: &Lab) -> Value {
    let mut request = lab.request(SCRIPT);
    request["outputFiles"] = json!(["out.txt"]);
    request["outputDir"] = json!("local-out");
    request
}

/// A first worker that is shut down; its run can still be killed.
async fn leave_after_its_first_line(lab: &Lab, request: &Value) -> CancellationToken {
    let mut first = lab.start_run(request);
    first.until_line("first").await;
    let kill = first.leave().kill;
    until(async || lab.blobs().await.iter().any(|blob| blob.ends_with("/state.json"))).await;
    kill
}

#[tokio::test]
async fn a_second_worker_goes_on_with_the_same_job_and_repeats_no_line() {
    let lab = Lab::start().await;
    let request = request(&lab);
    let _kill = leave_after_its_first_line(&lab, &request).await;
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(report.stdout, ["second"]);
    let details = report.outcome().details.as_ref().unwrap();
    assert!(details.resumed && details.deletion_triggered);
    assert_eq!(lab.read("out.txt"), b"done\n");
    assert_eq!(lab.jobs_created(), 1);
    assert_eq!(lab.blobs().await, [""; 0]);
}

/// It was told as far as its limit, and the next worker begins there.
#[tokio::test]
async fn a_second_worker_goes_on_in_the_middle_of_a_line_and_repeats_nothing() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    let letters = |letter, count| format!("head -c {count} /dev/zero | tr '\\0' {letter}");
    let (begin, end) = (letters('a', 200_000), letters('b', 200_000));
    request["commands"][2] =
        json!(format!("echo first; {begin}; sleep 3; {end}; echo; echo done > out.txt"));
    let mut first = lab.start_run(&request);
    first.until_line(&"a".repeat(64 * 1024)).await;
    let left = first.left();
    let Left { report, .. } = first.leave();
    left.cancelled().await;
    let second = lab.run(&next_attempt(&request)).await;
    assert_eq!(second.outcome().status, Status::Succeeded, "{second:?}");
    assert_eq!(lab.jobs_created(), 1);
    let told = [report.stdout, second.stdout].concat();
    assert_eq!(told[0], "first");
    assert_eq!(told[1..].concat(), format!("{}{}", "a".repeat(200_000), "b".repeat(200_000)));
    assert!(told.iter().all(|line| line.len() <= 64 * 1024));
}

/// Nothing is lost by it: the job goes on, and so does the next attempt, once it has the new key.
#[tokio::test]
async fn a_run_whose_key_is_regenerated_is_continued_with_the_new_one() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    let script =
        "echo first; until [ -e go ]; do sleep 0.1; done; echo second; echo done > out.txt";
    request["commands"][2] = json!(script);
    let mut first = lab.start_run(&request);
    first.until_line("first").await;
    let new_key = "bmV3IGtleQ==";
    lab.emulator.regenerate_key(new_key).unwrap();
    let report = first.ended().await;
    let message = report.message();
    assert_eq!(report.outcome().status, Status::Failed, "{message}");
    assert!(message.contains("accessKey"), "{message}");
    let mut next = next_attempt(&request);
    next["accessKey"] = json!(new_key);
    let second = lab.start_run(&next);
    release(&lab, "no node").await;
    let report = second.ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(report.stdout.last().unwrap(), "second");
    assert_eq!(lab.jobs_created(), 1);
}

/// Kestra has the lines of the first worker, but what it read in them went with it.
#[tokio::test]
async fn what_a_task_said_to_kestra_is_told_to_the_next_worker_too() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    let marker = r#"::{"outputs": {"answer": 42}}::"#;
    request["commands"][2] = json!(format!("echo 'so {marker}'; {SCRIPT}"));
    let _kill = leave_after_its_first_line(&lab, &request).await;
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.stdout, [marker, "second"], "{report:?}");
}

/// A process that ends takes the run with it.
#[tokio::test]
async fn a_run_is_left_only_when_it_has_recorded_how_far_its_log_was_delivered() {
    let lab = Lab::start().await;
    let mut run = lab.start_run(&request(&lab));
    run.until_line("first").await;
    let left = run.left();
    assert!(!left.is_cancelled());
    let _kill = run.leave().kill;
    left.cancelled().await;
    assert!(lab.blobs().await.iter().any(|blob| blob.ends_with("/state.json")));
}

#[tokio::test]
async fn a_worker_that_stops_before_it_has_a_line_does_not_forget_those_of_the_first() {
    let lab = Lab::start().await;
    let request = request(&lab);
    let _kill = leave_after_its_first_line(&lab, &request).await;
    let mut second = lab.start_run(&next_attempt(&request));
    second.until_note("Going on").await;
    drop(second.leave());
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["second"], "{report:?}");
    assert_eq!(lab.jobs_created(), 1);
}

#[tokio::test]
async fn a_run_that_ended_while_nobody_looked_is_collected() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    request["commands"][2] = json!("echo only; echo x > $OUT; echo done > out.txt; exit 3");
    request["environment"]["OUT"] = json!(format!("/tmp/{}/kestra-output/x", directory(&request)));
    let mut first = lab.start_run(&request);
    first.until_note("Job").await;
    drop(first.leave());
    lab.until_jobs(1, JobState::Completed).await;
    let mut second = next_attempt(&request);
    second["outputDir"] = json!("another-out");
    let report = lab.run(&second).await;
    assert_eq!(report.outcome().exit_code, Some(3), "{report:?}");
    assert_eq!(lab.read("out.txt"), b"done\n");
    assert_eq!(lab.read("another-out/x"), b"x\n");
    assert_eq!(lab.jobs_created(), 1);
}

/// The outcome of a worker that dies before Kestra has recorded it is reported again.
#[tokio::test]
async fn an_outcome_that_was_not_acknowledged_is_reported_by_the_next_worker() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    request["commands"][2] = json!("echo only; echo done > out.txt; exit 3");
    let mut first = lab.start_run(&request);
    first.until_outcome().await;
    first.task.abort();
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.outcome().exit_code, Some(3), "{report:?}");
    assert_eq!(report.stdout, ["only"]);
    assert_eq!(lab.read("out.txt"), b"done\n");
    assert_eq!(lab.jobs_created(), 1);
    until(async || lab.blobs().await.is_empty() && lab.jobs().await.is_empty()).await;
}

/// It may come before the last worker has said that its failure was reported.
#[tokio::test]
async fn a_retry_that_comes_at_once_begins_anew() {
    for delete in [true, false] {
        let lab = Lab::start().await;
        let mut request = lab.request("exit 3");
        request["delete"] = json!(delete);
        let mut first = lab.start_run(&request);
        first.until_outcome().await;
        let mut retry = next_attempt(&request);
        retry["commands"][2] = json!("true");
        let searches = lab.searches();
        let retry = lab.start_run(&retry);
        until(async || lab.searches() > searches).await;
        let (first, retry) = tokio::join!(first.ended(), retry.ended());
        assert_eq!(first.outcome().exit_code, Some(3));
        assert_eq!(retry.outcome().status, Status::Succeeded, "{retry:?}");
        assert_eq!(lab.jobs_created(), 2);
    }
}

#[tokio::test]
async fn a_retry_after_a_failure_whose_job_is_kept_begins_anew() {
    let lab = Lab::start().await;
    let mut request = lab.request("exit 3");
    request["delete"] = json!(false);
    assert_eq!(lab.run(&request).await.outcome().exit_code, Some(3));
    let mut retry = next_attempt(&request);
    retry["commands"][2] = json!("true");
    assert_eq!(lab.run(&retry).await.outcome().status, Status::Succeeded);
    assert_eq!(lab.jobs().await.len(), 2, "both are kept");
}

/// A job that was ended for a kill has no outcome of its own.
#[tokio::test]
async fn a_job_that_a_kill_ended_is_not_gone_on_with() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    request["delete"] = json!(false);
    let mut first = lab.start_run(&request);
    first.until_line("first").await;
    first.kill.cancel();
    assert_eq!(first.ended().await.outcome().status, Status::Killed);
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["first", "second"], "{report:?}");
    assert_eq!(lab.jobs_created(), 2);
}

/// Its process is gone at once, so it can record nothing at its end.
#[tokio::test]
async fn a_worker_that_is_killed_has_recorded_how_far_its_log_was_delivered() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    request["commands"][2] = json!("echo first; sleep 8; echo second");
    let mut first = lab.start_run(&request);
    first.until_line("first").await;
    let written = async || lab.blobs().await.iter().any(|blob| blob.ends_with("/state.json"));
    tokio::select! {
        () = first.until_end() => unreachable!("it runs for seconds"),
        () = until(written) => first.task.abort(),
    }
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["second"], "{report:?}");
    assert_eq!(lab.jobs_created(), 1);
}

/// Kestra keeps a line in memory for a moment before it is in its log, and a worker that is killed takes it with it.
#[tokio::test]
async fn a_line_that_a_worker_had_only_just_delivered_when_it_was_killed_is_delivered_again() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    request["commands"][2] = json!("for n in $(seq 40); do echo $n; sleep 0.2; done");
    let gate = Gate::start().await;
    let held = gate.hold(&Step::new("put blob state.json", 1));
    let mut first = lab.start_run_with(&request, &gate.client());
    tokio::select! {
        () = first.until_end() => unreachable!("it runs for seconds"),
        () = held.arrived() => first.task.abort(),
    }
    held.release();
    let Left { report: first, .. } = first.leave();
    let second = lab.run(&next_attempt(&request)).await;
    let last = first.stdout.last().unwrap();
    assert!(second.stdout.contains(last), "{first:?} {second:?}");
    assert!(!second.stdout.contains(&first.stdout[0]), "what has settled is not: {second:?}");
}

#[tokio::test]
async fn without_resume_every_run_has_a_job_of_its_own() {
    let lab = Lab::start().await;
    let mut first = lab.start_run(&request(&lab));
    first.until_line("first").await;
    let Left { kill, task, .. } = first.leave();
    let mut second = next_attempt(&request(&lab));
    second["resume"] = json!(false);
    assert_eq!(lab.run(&second).await.stdout, ["first", "second"]);
    assert_eq!(lab.jobs_created(), 2);
    kill.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn somebody_elses_job_is_left_alone() {
    let lab = Lab::start().await;
    let other = renamed(&request(&lab));
    let mut first = lab.start_run(&other);
    first.until_line("first").await;
    let report = lab.run(&next_attempt(&request(&lab))).await;
    assert_eq!(report.stdout, ["first", "second"]);
    assert_eq!(first.ended().await.outcome().status, Status::Succeeded);
}

#[tokio::test]
async fn a_job_without_a_task_is_removed_and_not_taken_for_a_success() {
    let lab = Lab::start().await;
    let request = request(&lab);
    let empty = NewJob {
        id: job_id(&with_names(&request, DIGEST, "000000000000")),
        pool_info: PoolInfo { pool_id: POOL.into() },
        ..NewJob::default()
    };
    lab.batch().create_job(&empty).await.unwrap();
    // No blobs tell of a job that no list has yet.
    lab.until_jobs(1, JobState::Active).await;
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["first", "second"]);
    until(async || lab.jobs().await.is_empty()).await;
}

#[tokio::test]
async fn the_log_of_a_node_that_is_gone_is_read_from_blob_storage() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    request["commands"][2] = json!("echo only; echo careful >&2; printf 'no end'");
    let mut first = lab.start_run(&request);
    first.until_note("Job").await;
    drop(first.leave());
    lab.until_jobs(1, JobState::Completed).await;
    lab.lose_node();
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.stdout, ["only", "no end"], "{report:?}");
    assert_eq!(report.stderr, ["careful"]);
}
