//! Nothing is ended or removed that does not bear this run's own name, or that of its task run.

use std::collections::BTreeSet;

use azure::batch::{JobState, MetadataItem, NewJob, PoolInfo};
use azure_batch_emulator::{Consistency, Settings};
use bytes::Bytes;
use runner::{Network, RetryPolicy, Status};
use serde_json::{Value, json};

use crate::gate::{Fault, Gate, Step};
use crate::support::{
    DIGEST, Lab, POOL, Run, job_id, next_attempt, renamed, until, usual, with_names,
};

fn post_jobs(n: usize) -> Step {
    Step::new("post jobs", n)
}

fn requests(lab: &Lab) -> [Value; 2] {
    let staged = lab.request("true");
    let mut inline = staged.clone();
    inline["blobStorage"] = json!(null);
    [staged, inline]
}

/// A job that no run of this task run made.
async fn create_job(lab: &Lab, id: &str, metadata: &[(&str, &str)]) {
    let label = |(name, value): &(&str, &str)| MetadataItem {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    let job = NewJob {
        id: id.to_owned(),
        pool_info: PoolInfo { pool_id: POOL.to_owned() },
        metadata: metadata.iter().map(label).collect(),
        ..NewJob::default()
    };
    lab.batch().create_job(&job).await.unwrap();
}

async fn put(lab: &Lab, blobs: &[String]) {
    for blob in blobs {
        lab.container().put_bytes(blob, Bytes::from_static(b"1,2,3\n")).await.unwrap();
    }
}

/// A run each of whose requests is made so often.
fn start_with(attempts: u32, request: &Value, gate: &Gate) -> Run {
    let retry = RetryPolicy { attempts, ..RetryPolicy::default() };
    Run::retrying(retry, request, &Network::over(gate.client()))
}

/// The blobs and active jobs that are there, once a run of the task and the one that takes over have gone.
async fn after_two_runs(lab: &Lab) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut first = lab.start_run(&lab.request("echo first; sleep 600"));
    first.until_line("first").await;
    first.kill.cancel();
    first.ended().await;
    let gate = Gate::start().await;
    let held = gate.hold(&Step::new("put blob in", 1));
    let dead = next_attempt(&lab.request("true"));
    lab.write("in.txt", b"x");
    let run = lab.start_run_with(&dead, &gate.client());
    held.arrived().await;
    run.task.abort();
    held.release();
    until(async || gate.is_idle()).await;
    let last = with_names(&lab.request("echo ours"), DIGEST, "00000000000a");
    let report = lab.run_impatiently(&last).await;
    assert_eq!(report.stdout, ["ours"], "{report:?}");
    let ours = async || lab.jobs().await.into_iter().filter(|job| job.id.contains(DIGEST));
    until(async || ours().await.all(|job| job.state != JobState::Deleting)).await;
    let jobs = lab.jobs().await.into_iter().filter(|job| job.state == JobState::Active);
    (lab.blobs().await.into_iter().collect(), jobs.map(|job| job.id).collect())
}

/// Names that are like ours, up to those of other task runs of the same flow.
#[tokio::test]
async fn what_others_have_in_the_account_and_in_the_container_is_left_alone() {
    let lab = Lab::start().await;
    let blobs = [
        "precious/data.csv".to_owned(),
        "kestra-/run.sh".to_owned(),
        format!("kestra-{DIGEST}"),
        format!("kestra-{DIGEST}/run.sh"),
        format!("kestra-{DIGEST}-0/run.sh"),
        format!("kestra-{DIGEST}-ABCDEFABCDEF/run.sh"),
        format!("kestra-{DIGEST}-0123456789abc/run.sh"),
        format!("x/kestra-{DIGEST}-0123456789ab/run.sh"),
        "kestra-ffffffffffffffffffff-0123456789ab/run.sh".to_owned(),
    ];
    let jobs = [
        "company-team-flow-task".to_owned(),
        format!("company-team-flow-task-{DIGEST}"),
        format!("company-team-flow-task-{DIGEST}-0"),
        format!("company-team-flow-task-{DIGEST}-0123456789abc"),
        format!("x-company-team-flow-task-{DIGEST}-00123456789ab"),
        "company-team-flow-task-ffffffffffffffffffff-0123456789ab".to_owned(),
    ];
    put(&lab, &blobs).await;
    for job in &jobs {
        create_job(&lab, job, &[("kestra-namespace", "company.team")]).await;
    }
    assert_eq!(after_two_runs(&lab).await, (blobs.into(), jobs.into()));
}

/// Version 0.1 of 2026-11-25 named jobs after Kestra's job name, blobs after a token alone, and kept claims to them.
#[tokio::test]
async fn what_the_version_before_left_of_the_same_task_run_is_left_alone() {
    let lab = Lab::start().await;
    let blobs = [
        "kestra-0123456789ab/run.sh",
        "kestra-0123456789ab/in/in.txt",
        "kestra-0123456789ab/delivered",
        "kestra-0123456789ab/collected",
        "kestra-ba9876543210/in/in.txt",
        "kestra-runs/6b0f5a0a5b2c1d3e4f50/kestra-0123456789ab",
        "kestra-runs/6b0f5a0a5b2c1d3e4f50/kestra-ba9876543210",
    ];
    let labels = [
        ("kestra-run", "kestra-0123456789ab"),
        ("kestra-staging-prefix", "kestra-0123456789ab"),
        ("kestra-namespace", "company.team"),
    ];
    put(&lab, &blobs.map(str::to_owned)).await;
    create_job(&lab, "company-team-flow-task-1a2b3c4d", &labels).await;
    create_job(&lab, "company-team-flow-task-5e6f7a8b", &labels[..1]).await;
    let jobs = ["company-team-flow-task-1a2b3c4d", "company-team-flow-task-5e6f7a8b"];
    let expected = (blobs.map(str::to_owned).into(), jobs.map(str::to_owned).into());
    assert_eq!(after_two_runs(&lab).await, expected);
}

#[tokio::test]
async fn without_delete_nothing_of_an_earlier_run_is_removed() {
    let lab = Lab::start().await;
    let request = |token| {
        let mut request = with_names(&lab.request("exit 3"), DIGEST, token);
        request["delete"] = json!(false);
        request
    };
    let (first, second) = (request("000000000001"), request("000000000002"));
    assert_eq!(lab.run(&first).await.outcome().exit_code, Some(3));
    let orphan = format!("kestra-{DIGEST}-000000000000/run.sh");
    put(&lab, std::slice::from_ref(&orphan)).await;
    // It would stay active and count against the quota of the account.
    create_job(&lab, &job_id(&request("00000000000a")), &[]).await;
    until(async || lab.jobs().await.len() == 2).await;
    let before: BTreeSet<_> = lab.blobs().await.into_iter().collect();
    assert_eq!(lab.run_impatiently(&second).await.outcome().exit_code, Some(3));
    let after: BTreeSet<_> = lab.blobs().await.into_iter().collect();
    assert!(before.contains(&orphan) && after.is_superset(&before), "{before:?} {after:?}");
    lab.until_jobs(3, JobState::Completed).await;
}

#[tokio::test]
async fn a_job_that_was_created_although_the_service_answered_429_is_gone_on_with() {
    let lab = Lab::start().await;
    for request in requests(&lab) {
        let gate = Gate::start().await;
        gate.fail(&post_jobs(1), Fault::TooManyAfter);
        let report = lab.start_run_with(&renamed(&request), &gate.client()).ended().await;
        assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
        until(async || lab.jobs().await.is_empty()).await;
    }
}

/// The run does not know whether it is there, even where nobody can say.
#[tokio::test]
async fn a_job_whose_creation_failed_for_good_is_removed_if_it_is_there() {
    // Nothing is asked a second time.
    let consistency = Consistency::Strong;
    let lab = Lab::start_with(Settings { consistency, rate_limit: None, ..usual() }).await;
    for request in requests(&lab) {
        for fault in [Fault::TooManyAfter, Fault::Internal, Fault::DroppedAfter, Fault::TooMany] {
            for can_be_read in [true, false] {
                let gate = Gate::start().await;
                gate.fail(&post_jobs(1), fault);
                if !can_be_read {
                    gate.fail(&Step::new("get job", 1), Fault::Busy);
                }
                let report = start_with(1, &renamed(&request), &gate).ended().await;
                assert_eq!(report.outcome().status, Status::Failed, "{report:?}");
                until(async || lab.jobs().await.is_empty() && lab.blobs().await.is_empty()).await;
            }
        }
    }
}

#[tokio::test]
async fn a_job_whose_creation_failed_for_good_is_removed_although_it_is_not_found_at_once() {
    let lab = Lab::start_with(Settings { consistency: Consistency::Eventual, ..usual() }).await;
    for request in requests(&lab) {
        let (request, gate) = (renamed(&request), Gate::start().await);
        for n in [1, 2] {
            gate.fail(&post_jobs(n), Fault::Internal);
        }
        let report = start_with(2, &request, &gate).ended().await;
        assert_eq!(report.outcome().status, Status::Failed, "{report:?}");
        let deletion = format!("DELETE /jobs/{}", job_id(&request));
        assert!(lab.changes().contains(&deletion), "{report:?}");
    }
}

#[tokio::test]
async fn a_kill_in_the_middle_of_the_creation_ends_the_job() {
    let lab = Lab::start().await;
    for request in requests(&lab) {
        let request = renamed(&request);
        let gate = Gate::start().await;
        gate.fail(&post_jobs(1), Fault::Stalled);
        let run = lab.start_run_with(&request, &gate.client());
        gate.until(|gate| gate.has_answered("post jobs")).await;
        run.kill.cancel();
        let report = run.ended().await;
        assert_eq!(report.outcome().status, Status::Killed, "{report:?}");
        until(async || lab.batch().get_job(&job_id(&request)).await.is_err()).await;
    }
}
