//! Faults of the service and of its nodes: a run copes with them or fails in words, and leaves nothing.
//! Those of requests are in the sweep.

use std::time::Duration;

use azure_batch_emulator::{Fault, PoolSettings, Settings};
use runner::Status;
use serde_json::{Value, json};

use crate::support::{Lab, POOL, Report, renamed, until, usual};

/// Runs with an input and an output while only this fault is asked for.
async fn run_with(lab: &Lab, request: &Value, fault: &str) -> Report {
    lab.emulator.clear_faults();
    lab.emulator.inject(fault.parse::<Fault>().unwrap());
    let report = lab.run(request).await;
    assert!(lab.emulator.faults()[0].fired > 0, "{fault}: {report:?}");
    until(async || lab.jobs().await.is_empty()).await;
    assert_eq!(lab.blobs().await, [""; 0], "{fault}: {report:?}");
    report
}

async fn lab_of(pool: &str) -> (Lab, Value) {
    let pools: Vec<PoolSettings> = vec![pool.parse().unwrap()];
    // The runs of a test have the same ids, which those of a flow never have.
    let deleted_id_delay = Duration::ZERO;
    let lab = Lab::start_with(Settings { pools, deleted_id_delay, ..usual() }).await;
    lab.write("in.txt", b"in\n");
    let mut request = lab.request("cat in.txt | tee out.txt");
    request["outputFiles"] = json!(["out.txt"]);
    (lab, request)
}

#[tokio::test]
async fn what_a_node_cannot_fetch_or_upload_is_said_in_words() {
    let (lab, request) = lab_of(POOL).await;
    let (read, fetch, upload) = (
        "blobStorage: the node may not read the staged input files",
        "The node could not download the staged input files",
        "outputFiles: the node could not upload the output files",
    );
    for (fault, start, code) in [
        ("node-pull-image=failed", "containerImage: the image", "ContainerInvalidImage"),
        ("node-get-blob#1=denied", read, "BlobAccessDenied"),
        ("node-get-blob#1=not-found", fetch, "BlobNotFound"),
        ("node-get-blob#2=timed-out", fetch, "BlobDownloadTimedOut"),
        ("node-list-blobs=denied", read, "ResourceContainerAccessDenied"),
        ("node-list-blobs=not-found", fetch, "ResourceContainerNotFound"),
        ("node-list-blobs=timed-out", fetch, "ResourceContainerListTimedOut"),
        ("node-put-blob=denied", upload, "FileUploadAccessDenied"),
        ("node-put-blob=not-found", upload, "FileUploadContainerNotFound"),
        ("node-put-blob=timed-out", upload, "FileUploadTimedOut"),
    ] {
        let report = run_with(&lab, &request, fault).await;
        let (outcome, message) = (report.outcome(), report.message());
        assert_eq!(outcome.status, Status::Failed, "{fault}: {report:?}");
        assert!(message.starts_with(start) && message.contains(code), "{fault}: {message}");
        let ran = start == upload;
        assert_eq!(outcome.exit_code, ran.then_some(0), "{fault}: {report:?}");
        assert_eq!(report.stdout.len(), usize::from(ran), "{fault}: {report:?}");
    }
}

#[tokio::test]
async fn a_run_outlives_the_node_that_began_its_task() {
    for fault in ["lost", "unusable", "preempted"] {
        let (lab, request) = lab_of("pool:nodes=0,low-priority=2").await;
        let report = run_with(&lab, &request, &format!("node-run-task#1={fault}")).await;
        assert_eq!(report.outcome().status, Status::Succeeded, "{fault}: {report:?}");
        assert_eq!(report.stdout, ["in"], "{fault}: {report:?}");
        assert_eq!(lab.read("out.txt"), b"in\n", "{fault}: {report:?}");
    }
}

#[tokio::test]
async fn a_full_quota_and_a_wrong_clock_are_said_in_words() {
    let full = Settings { job_quota: 0, ..usual() };
    let late = Settings { clock_offset: 20, ..usual() };
    for (settings, words) in [
        (
            full,
            "waitUntilRunning of 500ms leaves no time to wait for a job to end: the Batch account",
        ),
        (late, "the date of the request is more than 15 minutes from now"),
    ] {
        let lab = Lab::start_with(settings).await;
        let mut request = lab.request("true");
        request["waitUntilRunning"] = json!(0.5);
        let report = lab.run(&request).await;
        assert_ne!(report.outcome().status, Status::Succeeded, "{report:?}");
        assert!(report.message().contains(words), "{report:?}");
        assert_eq!(lab.blobs().await, [""; 0], "{report:?}");
    }
}

#[tokio::test]
async fn a_run_waits_until_the_account_has_room_for_its_job() {
    let settings = Settings { job_quota: 1, ..usual() };
    let lab = Lab::start_with(settings).await;
    let mut first = lab.start_run(&lab.request("echo here; sleep 600"));
    first.until_line("here").await;
    let mut second = lab.start_run(&renamed(&lab.request("echo here")));
    second.until_note("account: the Batch account 'labbatch' has as many active jobs").await;
    first.kill.cancel();
    first.until_end().await;
    let report = second.ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(report.stdout, ["here"]);
}
