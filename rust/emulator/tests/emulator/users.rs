//! The users that tasks run as.

use azure_batch_emulator::Isolation;
use serde_json::{Value, json};

use crate::support::blobs::BlobServer;
use crate::support::{Cloud, merged, shell_task};

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

#[tokio::test]
async fn a_task_may_run_as_a_user_account_of_its_pool() {
    let cloud = Cloud::start_with(|settings| {
        settings.isolation = Isolation::Bubblewrap;
        settings.pools = vec!["pool:user=plain,admin=chief".parse().unwrap()];
    })
    .await;
    for (name, user) in [("plain", "60001"), ("chief", "0")] {
        cloud.job(name).await;
        let account = json!({"userIdentity": {"username": name}});
        cloud.script_with(name, "task", "id -u", account.clone()).await;
        cloud.wait_for_output(name, "task", &format!("{user}\n")).await;
        let shown = cloud.get(&format!("/jobs/{name}/tasks/task")).await.expect(200).body;
        assert_eq!(shown["userIdentity"], account["userIdentity"]);
    }
}

#[tokio::test]
async fn a_task_has_one_user_which_its_pool_has() {
    let cloud = Cloud::start_with(|settings| {
        settings.pools = vec!["pool:user=plain".parse().unwrap()];
    })
    .await;
    cloud.job("job").await;
    for (identity, property) in [
        (json!({"username": "nobody"}), "userIdentity.username"),
        (json!({"username": "plain", "autoUser": {}}), "userIdentity"),
    ] {
        let task = merged(shell_task("task", "true"), json!({"userIdentity": identity}));
        let reply = cloud.client.post("/jobs/job/tasks").json(&task).send().await;
        let refused = reply.expect_error(400, "InvalidPropertyValue");
        assert_eq!(refused.value("PropertyName"), property);
    }
    let preparation = json!({"commandLine": "true", "userIdentity": {"username": "plain"}});
    let job =
        json!({"id": "other", "poolInfo": {"poolId": "pool"}, "jobPreparationTask": preparation});
    let reply = cloud.client.post("/jobs").json(&job).send().await;
    reply.expect_error(400, "UnsupportedProperty");
}
