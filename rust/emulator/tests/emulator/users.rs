//! The users that tasks run as.

use azure_batch_emulator::Isolation;
use serde_json::{Value, json};

use crate::support::blobs::BlobServer;
use crate::support::{Cloud, merged};

/// Prints the capabilities of a process: 16 zeros for none.
const RIGHTS: &str = "sed -n 's/CapEff:[[:space:]]*//p' /proc/self/status";

async fn isolated() -> Cloud {
    Cloud::start_with(|settings| settings.isolation = Isolation::Bubblewrap).await
}

fn auto_user(elevation: &str) -> Value {
    json!({"userIdentity": {"autoUser": {"scope": "task", "elevationLevel": elevation}}})
}

#[tokio::test]
async fn only_an_elevated_task_is_root() {
    let cloud = isolated().await;
    let users = [("nonadmin", "60001"), ("admin", "0")];
    for (elevation, user) in users {
        cloud.job(elevation).await;
        cloud.script_with(elevation, "task", "id -u; id -g", auto_user(elevation)).await;
        cloud.wait_for_output(elevation, "task", &format!("{user}\n{user}\n")).await;
    }
    cloud.run("id -u").await;
    assert_eq!(cloud.output("stdout.txt").await, "60001\n");
}

#[tokio::test]
async fn a_task_that_is_not_elevated_has_no_rights() {
    let cloud = isolated().await;
    cloud.run_with(&format!("{RIGHTS}; chown 0 . || echo refused"), auto_user("nonadmin")).await;
    assert_eq!(cloud.output("stdout.txt").await, "0000000000000000\nrefused\n");
}

#[tokio::test]
async fn the_files_of_a_task_are_its_users() {
    let (cloud, blobs) = (isolated().await, BlobServer::start().await);
    blobs.put("tool", "#!/bin/sh\necho it runs\n");
    let file = json!({"httpUrl": blobs.blob("tool"), "filePath": "tool", "fileMode": "0770"});
    let settings = merged(auto_user("nonadmin"), json!({"resourceFiles": [file]}));
    let script = "./tool; whoami; stat -c %U tool . /tmp $AZ_BATCH_NODE_SHARED_DIR | sort -u; \
        echo more >> tool; touch f /tmp/f $AZ_BATCH_NODE_SHARED_DIR/f && echo written";
    let task = cloud.run_with(script, settings).await;
    assert_eq!(task["executionInfo"]["exitCode"], 0);
    let output = cloud.output("stdout.txt").await;
    assert_eq!(output, "it runs\n_azbatchtask\n_azbatchtask\nwritten\n");
}
