//! The storage account that is linked to the Batch account, and the identities that have access to
//! it.

use azure_batch_emulator::PoolSettings;
use serde_json::{Value, json};

use crate::support::blobs::BlobServer;
use crate::support::{Cloud, merged, shell_task};

const IDENTITY: &str = "/subscriptions/s/resourceGroups/g/providers/x/userAssignedIdentities/i";

/// Starts a cloud with a linked storage account, and a pool that has the identity.
async fn linked(blobs: &BlobServer) -> Cloud {
    let pool = PoolSettings { identities: vec![IDENTITY.to_owned()], ..PoolSettings::from("pool") };
    Cloud::start_with(|settings| {
        settings.auto_storage = Some(blobs.connection_string().parse().unwrap());
        settings.pools = vec![pool];
    })
    .await
}

fn with_identity(mut file: Value, id: &str) -> Value {
    file["identityReference"] = json!({"resourceId": id});
    file
}

#[tokio::test]
async fn a_container_of_the_linked_account_needs_only_its_name() {
    let blobs = BlobServer::start().await;
    let cloud = linked(&blobs).await;
    for name in ["in/a", "in/b", "other"] {
        blobs.put(name, name);
    }
    let files = json!([{"autoStorageContainerName": "box", "blobPrefix": "in/", "filePath": "d"}]);
    cloud
        .run_with("cat d/in/a d/in/b; find . -type f | wc -l", json!({"resourceFiles": files}))
        .await;
    assert_eq!(cloud.output("stdout.txt").await, "in/ain/b2\n");
    let shown = cloud.get("/jobs/run/tasks/task").await.body["resourceFiles"].clone();
    assert_eq!(shown, files);
}

#[tokio::test]
async fn without_a_linked_account_auto_storage_is_refused() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let files = json!({"resourceFiles": [{"autoStorageContainerName": "box"}]});
    let body = merged(shell_task("task", "true"), files);
    let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
    let refused = reply.expect_error(400, "InvalidPropertyValue");
    assert_eq!(refused.value("PropertyName"), "resourceFiles.autoStorageContainerName");
}

#[tokio::test]
async fn an_identity_of_the_pool_replaces_a_sas_for_the_linked_account() {
    let blobs = BlobServer::start().await;
    let cloud = linked(&blobs).await;
    blobs.put("one", "1");
    blobs.put("many/two", "2");
    let container = blobs.plain("box");
    let one = json!({"httpUrl": format!("{container}/one"), "filePath": "one"});
    let many = json!({"storageContainerUrl": container, "blobPrefix": "many/"});
    let mut out = json!({
        "filePattern": "../stdout.txt",
        "destination": {"container": {"containerUrl": container, "path": "log"}},
        "uploadOptions": {"uploadCondition": "taskcompletion"},
    });
    out["destination"]["container"]["identityReference"] = json!({"resourceId": IDENTITY});
    let files = json!({
        "resourceFiles": [with_identity(one, IDENTITY), with_identity(many, IDENTITY)],
        "outputFiles": [out],
    });
    let task = cloud.run_with("cat one many/two", files).await;
    assert_eq!(task["executionInfo"]["result"], "success", "{task}");
    assert_eq!(blobs.text("log").as_deref(), Some("12"));
    assert_eq!(task["resourceFiles"][0]["identityReference"]["resourceId"], IDENTITY);
}

#[tokio::test]
async fn an_identity_without_access_fails_the_task_with_a_reason() {
    let blobs = BlobServer::start().await;
    let cloud = linked(&blobs).await;
    let elsewhere = "http://127.0.0.1:1/acc/box/f";
    let cases = [
        ("lacking", blobs.plain("box/f"), "/other", "no identity /other"),
        ("elsewhere", elsewhere.to_owned(), IDENTITY, "--auto-storage"),
    ];
    for (job, url, id, reason) in cases {
        cloud.job(job).await;
        let file = with_identity(json!({"httpUrl": url, "filePath": "f"}), id);
        cloud.script_with(job, "task", "true", json!({"resourceFiles": [file]})).await;
        let failure = cloud.completed(job, "task").await["executionInfo"]["failureInfo"].clone();
        assert_eq!(failure["code"], "BlobAccessDenied");
        assert!(failure.to_string().contains(reason), "{failure}");
    }
}
