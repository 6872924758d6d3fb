//! Faults of nodes, as they appear in tasks.

use azure_batch_emulator::{Fault, PoolSettings};
use serde_json::{Value, json};

use crate::support::Cloud;
use crate::support::blobs::BlobServer;

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

/// Returns the execution of a task in its own job.
async fn run(cloud: &Cloud, job: &str, script: &str, extra: Value) -> Value {
    cloud.job(job).await;
    cloud.script_with(job, "task", script, extra).await;
    cloud.completed(job, "task").await["executionInfo"].clone()
}

fn failure(execution: &Value) -> &str {
    execution["failureInfo"]["code"].as_str().unwrap_or("")
}

#[tokio::test]
async fn an_image_cannot_be_pulled_as_often_as_asked_for() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("node-pull-image#1=failed"));
    cloud.emulator.inject(fault("node-pull-image:docker.io/library/image:latest#2=failed"));
    cloud.emulator.inject(fault("node-pull-image:other=failed"));
    for (job, code) in [("a", "ContainerInvalidImage"), ("b", "ContainerInvalidImage"), ("c", "")] {
        let execution = run(&cloud, job, "true", json!({})).await;
        assert_eq!(failure(&execution), code, "{execution}");
        assert_eq!(execution.get("exitCode").is_some(), code.is_empty(), "{execution}");
    }
}

#[tokio::test]
async fn storage_refuses_the_nodes_requests_for_resource_files() {
    let blobs = BlobServer::start().await;
    blobs.put("in/f", "content");
    let cloud = Cloud::start().await;
    let container =
        json!({"resourceFiles": [{"storageContainerUrl": blobs.container("box", "rl")}]});
    let file = json!({"resourceFiles": [{"httpUrl": blobs.blob("in/f"), "filePath": "f"}]});
    for (job, spec, files, code) in [
        ("a", "node-list-blobs=denied", &container, "ResourceContainerAccessDenied"),
        ("b", "node-list-blobs=not-found", &container, "ResourceContainerNotFound"),
        ("c", "node-list-blobs=timed-out", &container, "ResourceContainerListTimedOut"),
        ("d", "node-get-blob=denied", &file, "BlobAccessDenied"),
        ("e", "node-get-blob=not-found", &container, "BlobNotFound"),
        ("f", "node-get-blob=timed-out", &file, "BlobDownloadTimedOut"),
        ("g", "node-get-blob#2=denied", &file, ""),
    ] {
        cloud.emulator.clear_faults();
        cloud.emulator.inject(fault(spec));
        let execution = run(&cloud, job, "true", files.clone()).await;
        assert_eq!(failure(&execution), code, "{spec}: {execution}");
        assert_eq!(execution.get("exitCode").is_some(), code.is_empty(), "{spec}: {execution}");
    }
}

#[tokio::test]
async fn storage_refuses_the_nodes_requests_for_output_files() {
    let blobs = BlobServer::start().await;
    let cloud = Cloud::start().await;
    let outputs = json!({"outputFiles": [{
        "filePattern": "f",
        "destination": {"container": {"containerUrl": blobs.container("box", "rlw")}},
        "uploadOptions": {"uploadCondition": "taskcompletion"},
    }]});
    for (job, spec, code) in [
        ("a", "node-put-blob=denied", "FileUploadAccessDenied"),
        ("b", "node-put-blob=not-found", "FileUploadContainerNotFound"),
        ("c", "node-put-blob=timed-out", "FileUploadTimedOut"),
    ] {
        cloud.emulator.clear_faults();
        cloud.emulator.inject(fault(spec));
        let execution = run(&cloud, job, "echo > f", outputs.clone()).await;
        assert_eq!(failure(&execution), code, "{spec}: {execution}");
        assert_eq!((&execution["exitCode"], blobs.text("f")), (&json!(0), None), "{execution}");
    }
}

#[tokio::test]
async fn a_node_fails_when_it_runs_a_task_and_the_task_runs_again() {
    for (spec, requeues) in [("lost", 1), ("preempted,ms=300", 1), ("unusable", 1), ("lost#9", 0)] {
        let pool: PoolSettings = "pool:nodes=0,low-priority=2,slots=1".parse().unwrap();
        let cloud = Cloud::start_with(|settings| settings.pools = vec![pool]).await;
        let (event, nth) = spec.split_once('#').unwrap_or((spec, "1"));
        cloud.emulator.inject(fault(&format!("node-run-task#{nth}={event}")));
        let execution = run(&cloud, "job", "sleep 1; exit 3", json!({})).await;
        assert_eq!(execution["requeueCount"], requeues, "{spec}: {execution}");
        assert_eq!(execution["exitCode"], 3, "{spec}: {execution}");
    }
}
