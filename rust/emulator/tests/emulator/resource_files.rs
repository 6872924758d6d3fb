//! Resource files.

use azure_batch_emulator::BlobPrefix;
use serde_json::{Value, json};

use crate::support::Cloud;
use crate::support::blobs::BlobServer;

async fn failure(cloud: &Cloud, files: Value) -> Value {
    let task = cloud.run_with("true", json!({"resourceFiles": files})).await;
    assert_eq!(task["executionInfo"]["exitCode"], Value::Null);
    task["executionInfo"]["failureInfo"].clone()
}

#[tokio::test]
async fn a_blob_becomes_the_file_that_file_path_names() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    blobs.put("input", "content");
    let file = json!({"httpUrl": blobs.blob("input"), "filePath": "d/renamed", "fileMode": "0640"});
    cloud
        .run_with("cat d/renamed; stat -c ' %a' d/renamed", json!({"resourceFiles": [file]}))
        .await;
    assert_eq!(cloud.output("stdout.txt").await, "content 640\n");
}

#[tokio::test]
async fn the_blobs_of_a_container_keep_their_directories_under_file_path() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    for name in ["in/a", "in/d/b c", "in/d/e/", "in/z", "other/x"] {
        blobs.put(name, if name.ends_with('/') { "" } else { name });
    }
    let url = blobs.container("box", "rl");
    let files = json!([{"storageContainerUrl": url, "blobPrefix": "in/", "filePath": "files"}]);
    let script =
        "find . -type f -printf '%m %P\\n' | sort; find . -type d -name e; cat 'files/in/d/b c'";
    cloud.run_with(script, json!({"resourceFiles": files})).await;
    assert_eq!(
        cloud.output("stdout.txt").await,
        "770 files/in/a\n770 files/in/d/b c\n770 files/in/z\n./files/in/d/e\nin/d/b c"
    );
}

#[tokio::test]
async fn a_blob_that_does_not_exist_is_named() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let failure = failure(&cloud, json!([{"httpUrl": blobs.blob("none"), "filePath": "f"}])).await;
    assert_eq!(failure["code"], "BlobNotFound");
    assert_eq!(failure["details"][0]["value"], "f");
}

#[tokio::test]
async fn a_failure_does_not_contain_the_signature() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let url = blobs.blob("f").replace("sp=r", "sp=w");
    let failure = failure(&cloud, json!([{"httpUrl": url, "filePath": "f"}])).await;
    assert_eq!(failure["code"], "BlobAccessDenied");
    assert!(!failure.to_string().contains("sig="));
}

#[tokio::test]
async fn a_container_needs_a_sas_to_list() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let failure =
        failure(&cloud, json!([{"storageContainerUrl": blobs.container("box", "r")}])).await;
    assert_eq!(failure["code"], "ResourceContainerAccessDenied");
}

#[tokio::test]
async fn a_container_that_does_not_exist_fails_the_task() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let files = json!([{"storageContainerUrl": blobs.container("none", "rl")}]);
    assert_eq!(failure(&cloud, files).await["code"], "ResourceContainerNotFound");
}

#[tokio::test]
async fn a_storage_account_that_does_not_answer_fails_the_task() {
    let cloud = Cloud::start().await;
    let files = json!([{"httpUrl": "http://127.0.0.1:1/acc/box/f?sig=abc", "filePath": "f"}]);
    let failure = failure(&cloud, files).await;
    assert_eq!(failure["code"], "BlobDownloadMiscError");
    assert!(!failure.to_string().contains("abc"));
}

#[tokio::test]
async fn a_blob_cannot_leave_the_working_directory_by_its_name() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    blobs.put("../../escaped", "x");
    let files = json!([{"storageContainerUrl": blobs.container("box", "rl")}]);
    assert_eq!(failure(&cloud, files).await["code"], "ResourceFileCreateFailed");
}

#[tokio::test]
async fn the_directories_of_the_prefix_are_dropped_if_the_node_does_so() {
    let cloud = Cloud::start_with(|settings| settings.blob_prefix = BlobPrefix::Strip).await;
    let blobs = BlobServer::start().await;
    for name in ["run/in/a", "run/in/d/b", "run/into", "run/index"] {
        blobs.put(name, name);
    }
    let url = blobs.container("box", "rl");
    let files = json!([
        {"storageContainerUrl": url, "blobPrefix": "run/in/", "filePath": "files"},
        {"storageContainerUrl": url, "blobPrefix": "run/ind"},
    ]);
    cloud.run_with("find . -type f | sort", json!({"resourceFiles": files})).await;
    assert_eq!(cloud.output("stdout.txt").await, "./files/a\n./files/d/b\n./index\n");
}
