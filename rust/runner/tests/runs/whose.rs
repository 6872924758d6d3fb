//! Nothing is ended or removed that is not this run's own.

use azure::batch::{JobState, MetadataItem, NewJob, PoolInfo};
use bytes::Bytes;
use runner::{Plan, Request, RetryPolicy, Status};
use serde_json::{Value, json};

use crate::gate::{Fault, Gate, Step};
use crate::resuming::next_attempt;
use crate::support::{Lab, POOL, Report, Run, renamed, until};

/// A blob that no run of the plugin made.
const PRECIOUS: &str = "precious/data.csv";

fn post_jobs(n: usize) -> Step {
    Step::new("post jobs", n)
}

fn requests(lab: &Lab) -> [Value; 2] {
    let staged = lab.request("true");
    let mut inline = staged.clone();
    inline["blobStorage"] = json!(null);
    [staged, inline]
}

/// A job of somebody else.
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

async fn put_precious(lab: &Lab) {
    lab.container().put_bytes(PRECIOUS, Bytes::from_static(b"1,2,3\n")).await.unwrap();
}

/// A run each of whose requests is made once.
fn start_once(request: &Value, gate: &Gate) -> Run {
    let request = Request::from_json(&request.to_string()).unwrap();
    let once = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    Run::start(Plan::with_retry(request, &gate.client(), once).unwrap())
}

fn id(request: &Value) -> &str {
    request["jobName"].as_str().unwrap()
}

async fn state(lab: &Lab, id: &str) -> JobState {
    lab.batch().get_job(id).await.unwrap().state
}

/// The run has failed and removed its own blobs; the job of somebody else is as it was.
async fn is_left_alone(lab: &Lab, id: &str, report: &Report) {
    assert_eq!(report.outcome().status, Status::Failed, "{report:?}");
    assert_eq!(state(lab, id).await, JobState::Active, "{report:?}");
    assert_eq!(lab.blobs().await, [""; 0], "{report:?}");
}

#[tokio::test]
async fn a_job_of_somebody_else_is_left_alone_whatever_the_service_says_of_it() {
    let lab = Lab::start().await;
    for request in requests(&lab) {
        for code in ["JobExists", "JobCompleted", "JobBeingDeleted", "JobBeingTerminated", "New"] {
            let request = renamed(&request);
            let id = id(&request);
            create_job(&lab, id, &[("kestra-run", "kestra-ffffffffffff")]).await;
            let gate = Gate::start().await;
            gate.say(&post_jobs(1), 409, code);
            let report = lab.start_run_with(&request, &gate.client()).ended().await;
            is_left_alone(&lab, id, &report).await;
            let says = report.message().contains(&format!("job '{id}'"));
            assert!(says && report.message().contains(code), "{report:?}");
        }
    }
}

#[tokio::test]
async fn a_completed_job_of_somebody_else_is_not_removed() {
    let lab = Lab::start().await;
    for request in requests(&lab) {
        let request = renamed(&request);
        let id = id(&request);
        create_job(&lab, id, &[]).await;
        lab.batch().terminate_job(id, "done").await.unwrap();
        until(async || state(&lab, id).await == JobState::Completed).await;
        let report = lab.run(&request).await;
        assert_eq!(report.outcome().status, Status::Failed, "{report:?}");
        assert_eq!(state(&lab, id).await, JobState::Completed, "{report:?}");
    }
}

#[tokio::test]
async fn a_job_of_somebody_else_is_told_from_ours_after_an_attempt_that_may_have_made_it() {
    let lab = Lab::start().await;
    for request in requests(&lab) {
        for fault in [Fault::TooManyWait, Fault::Internal, Fault::DroppedBefore] {
            let request = renamed(&request);
            let id = id(&request);
            create_job(&lab, id, &[]).await;
            let gate = Gate::start().await;
            gate.fail(&post_jobs(1), fault);
            let report = lab.start_run_with(&request, &gate.client()).ended().await;
            is_left_alone(&lab, id, &report).await;
            assert!(report.message().contains("is not of this run"), "{fault}: {report:?}");
        }
    }
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

/// Its creation fails for good, so the run does not know whose job it is.
#[tokio::test]
async fn what_is_there_after_a_creation_that_failed_is_removed_if_it_is_ours_and_only_then() {
    let lab = Lab::start().await;
    for request in requests(&lab) {
        for fault in [Fault::TooManyAfter, Fault::Internal, Fault::DroppedAfter] {
            let gate = Gate::start().await;
            gate.fail(&post_jobs(1), fault);
            let report = start_once(&renamed(&request), &gate).ended().await;
            assert_eq!(report.outcome().status, Status::Failed, "{report:?}");
            until(async || lab.jobs().await.is_empty() && lab.blobs().await.is_empty()).await;
        }
    }
    for request in requests(&lab) {
        for fault in [Fault::TooMany, Fault::Busy, Fault::DroppedBefore] {
            let request = renamed(&request);
            let id = id(&request);
            create_job(&lab, id, &[]).await;
            let gate = Gate::start().await;
            gate.fail(&post_jobs(1), fault);
            let report = start_once(&request, &gate).ended().await;
            is_left_alone(&lab, id, &report).await;
        }
    }
}

/// The next attempt needs the files if the job turns out to be there.
#[tokio::test]
async fn where_nobody_can_tell_whose_the_job_is_everything_is_left_and_that_is_said() {
    let lab = Lab::start().await;
    let request = lab.request("true");
    let gate = Gate::start().await;
    gate.fail(&post_jobs(1), Fault::DroppedAfter);
    gate.fail(&Step::new("get job", 1), Fault::Busy);
    let report = start_once(&request, &gate).ended().await;
    assert_eq!(report.outcome().status, Status::Failed, "{report:?}");
    let note = "It is not known whether job 'company-team-flow-task-1a2b3c4d' was created";
    assert!(report.notes.iter().any(|(_, said)| said.starts_with(note)), "{report:?}");
    assert!(lab.blobs().await.contains(&"kestra-0123456789ab/run.sh".to_owned()));
    let report = lab.run(&next_attempt(&request)).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(lab.jobs_created(), 1);
    until(async || lab.jobs().await.is_empty() && lab.blobs().await.is_empty()).await;
}

#[tokio::test]
async fn a_kill_in_the_middle_of_the_creation_ends_our_own_job_and_no_other() {
    let lab = Lab::start().await;
    for request in requests(&lab) {
        for of_somebody_else in [false, true] {
            let request = renamed(&request);
            if of_somebody_else {
                create_job(&lab, id(&request), &[]).await;
            }
            let gate = Gate::start().await;
            gate.fail(&post_jobs(1), Fault::Stalled);
            let run = lab.start_run_with(&request, &gate.client());
            gate.until(|gate| gate.has_answered("post jobs")).await;
            run.kill.cancel();
            let report = run.ended().await;
            if of_somebody_else {
                assert_eq!(state(&lab, id(&request)).await, JobState::Active, "{report:?}");
            } else {
                assert_eq!(report.outcome().status, Status::Killed, "{report:?}");
                let gone = async || lab.batch().get_job(id(&request)).await.is_err();
                until(gone).await;
            }
        }
    }
}

#[tokio::test]
async fn a_forged_claim_removes_nothing() {
    let lab = Lab::start().await;
    put_precious(&lab).await;
    let mut first = lab.start_run(&lab.request("echo first; sleep 600"));
    first.until_line("first").await;
    let claim = lab.blobs_below("kestra-runs/").await.remove(0);
    let directory = claim.trim_end_matches("kestra-0123456789ab");
    let forged = ["precious", "kestra-ABCDEFABCDEF", "kestra-0123456789ab/in", "x/kestra-0"];
    for name in forged {
        lab.container().put_bytes(&format!("{directory}{name}"), Bytes::new()).await.unwrap();
    }
    first.kill.cancel();
    first.ended().await;
    let report = lab.run(&next_attempt(&lab.request("true"))).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(lab.blobs_below("precious").await, [PRECIOUS]);
    assert_eq!(lab.blobs_below(directory).await.len(), forged.len(), "they are not ours either");
}

/// Whoever may create jobs may write any labels.
#[tokio::test]
async fn a_job_whose_labels_are_not_as_ours_is_left_alone_with_the_blobs_that_they_name() {
    let lab = Lab::start().await;
    put_precious(&lab).await;
    let namespace = ("kestra-namespace", "company.team");
    let marked = [("kestra-run", "kestra-0"), ("kestra-run", "kestra-000000000000")];
    let prefix = ("kestra-staging-prefix", "precious");
    create_job(&lab, "company-team-flow-task-00000000", &[namespace]).await;
    create_job(&lab, "company-team-flow-task-00000001", &[namespace, marked[0]]).await;
    create_job(&lab, "company-team-flow-task-00000002", &[namespace, marked[1], prefix]).await;
    let report = lab.run(&lab.request("echo ours")).await;
    assert_eq!(report.stdout, ["ours"], "{report:?}");
    assert_eq!(lab.blobs().await, [PRECIOUS]);
    until(async || lab.jobs().await.len() == 3).await;
    let jobs = lab.jobs().await;
    assert!(jobs.iter().all(|job| job.state == JobState::Active), "they are left alone: {jobs:?}");
}
