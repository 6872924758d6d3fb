//! Start tasks.

use std::time::Duration;

use azure_batch_emulator::{PoolSettings, StartTask};
use serde_json::{Value, json};

use crate::support::{Cloud, until};

/// Starts a cloud with a pool of one node with this start task, and a job with the task `task`.
async fn cloud_with(task: StartTask) -> Cloud {
    let pool = PoolSettings { start_task: Some(task), ..PoolSettings::from("pool") };
    let cloud = Cloud::start_with(|settings| settings.pools = vec![pool]).await;
    cloud.job("job").await;
    cloud.script("job", "task", "cat $AZ_BATCH_NODE_STARTUP_DIR/wd/tool").await;
    cloud
}

/// Returns the node of the pool; an error if it was removed just now.
async fn node(cloud: &Cloud) -> Value {
    let id = cloud.emulator.node_ids("pool").unwrap().remove(0);
    cloud.get(&format!("/pools/pool/nodes/{id}")).await.body
}

async fn node_in(cloud: &Cloud, state: &str) -> Value {
    until(&format!("a node that is {state}"), || async {
        let node = node(cloud).await;
        (node["state"] == state).then_some(node)
    })
    .await
}

#[tokio::test]
async fn a_start_task_prepares_its_node_for_the_tasks() {
    let command = "/bin/sh -c 'env > tool; pwd >> tool'";
    let cloud = cloud_with(command.into()).await;
    cloud.completed("job", "task").await;
    let made = cloud.get("/jobs/job/tasks/task/files/stdout.txt").await.expect(200).text;
    for line in ["AZ_BATCH_POOL_ID=pool", "AZ_BATCH_TASK_WORKING_DIR=", "/startup/wd\n"] {
        assert!(made.contains(line), "{line} in {made}");
    }
    assert!(!made.contains("AZ_BATCH_JOB_ID") && !made.contains("AZ_BATCH_TASK_ID"), "{made}");
    let shown = node(&cloud).await;
    assert_eq!(shown["startTask"]["commandLine"], command);
    let info = &shown["startTaskInfo"];
    assert_eq!((&info["state"], &info["exitCode"]), (&json!("completed"), &json!(0)));
    assert_eq!((&info["result"], &info["retryCount"]), (&json!("success"), &json!(0)));
    assert!(info["startTime"].is_string() && info["endTime"].is_string(), "{info}");
    assert_eq!(info.get("containerInfo"), None);
}

#[tokio::test]
async fn a_node_whose_start_task_fails_takes_no_tasks() {
    let task = StartTask { max_task_retry_count: 2, ..StartTask::from("/bin/sh -c 'exit 9'") };
    let cloud = cloud_with(task).await;
    let info = node_in(&cloud, "starttaskfailed").await["startTaskInfo"].clone();
    assert_eq!((&info["exitCode"], &info["retryCount"]), (&json!(9), &json!(2)));
    assert_eq!(info["failureInfo"]["code"], "FailureExitCode");
    assert_eq!(cloud.get("/jobs/job/tasks/task").await.body["state"], "active");
    let failed =
        cloud.client.get("/pools/pool/nodes").query("$filter", "startTaskInfo/exitCode eq 9");
    assert_eq!(failed.send().await.expect(200).ids("id").len(), 1);
}

#[tokio::test]
async fn the_output_of_a_start_task_is_read_from_its_node() {
    let command = "/bin/sh -c 'echo up; echo text > f; exit 9'";
    let cloud = cloud_with(command.into()).await;
    let node = node_in(&cloud, "starttaskfailed").await;
    let files = format!("/pools/pool/nodes/{}/files", node["id"].as_str().unwrap());
    let list = cloud.get(&files).await.expect(200);
    assert_eq!(list.ids("name"), ["applications", "fsmounts", "shared", "startup", "workitems"]);
    let all = cloud.client.get(&files).query("recursive", "true").send().await.expect(200);
    assert!(all.ids("name").contains(&"startup/wd/f".to_owned()), "{}", all.text);
    assert!(!all.text.contains("etc"), "{}", all.text);
    assert_eq!(cloud.get(&format!("{files}/startup/stdout.txt")).await.expect(200).text, "up\n");
    let head = cloud.client.head(&format!("{files}/startup/wd/f")).send().await.expect(200);
    assert_eq!(head.header("content-length"), "5");
    assert!(head.header("ocp-batch-file-url").ends_with("%2Ffiles%2Fstartup%2Fwd%2Ff"));
    let file = format!("{files}/startup/wd/f");
    cloud.client.delete(&file).send().await.expect(200);
    cloud.get(&file).await.expect_error(404, "FileNotFound");
    cloud.get(&format!("{files}/etc/passwd")).await.expect_error(404, "FileNotFound");
    cloud.emulator.lose_node("pool", node["id"].as_str().unwrap()).unwrap();
    cloud.get(&files).await.expect_error(409, "NodeNotReady");
}

#[tokio::test]
async fn a_start_task_without_wait_for_success_does_not_delay_tasks() {
    let task = StartTask { wait_for_success: false, ..StartTask::from("/no/such/program") };
    let cloud = cloud_with(task).await;
    cloud.completed("job", "task").await;
    let shown = until("the end of the start task", || async {
        let node = node(&cloud).await;
        (node["startTaskInfo"]["state"] == "completed").then_some(node)
    })
    .await;
    assert_eq!(shown["startTaskInfo"]["failureInfo"]["code"], "CommandProgramNotFound");
    assert_eq!(shown["startTaskInfo"].get("exitCode"), None);
    node_in(&cloud, "idle").await;
}

#[tokio::test]
async fn a_node_waits_for_its_start_task_and_can_be_lost_meanwhile() {
    let cloud = cloud_with("sleep 600".into()).await;
    let waiting = node_in(&cloud, "waitingforstarttask").await;
    assert_eq!(waiting["startTaskInfo"]["state"], "running");
    assert_eq!(cloud.get("/jobs/job/tasks/task").await.body["state"], "active");
    let reboot = format!("/pools/pool/nodes/{}/reboot", waiting["id"].as_str().unwrap());
    cloud.client.post(&reboot).send().await.expect_error(409, "NodeBeingStarted");
    cloud.emulator.lose_node("pool", waiting["id"].as_str().unwrap()).unwrap();
    until("another node", || async {
        let node = node_in(&cloud, "waitingforstarttask").await;
        (node["id"] != waiting["id"]).then_some(())
    })
    .await;
    cloud.emulator.shutdown().await;
}

#[tokio::test]
async fn a_start_task_runs_again_when_its_node_reboots() {
    let once = "/bin/sh -c 'mkdir $AZ_BATCH_NODE_SHARED_DIR/seen'";
    let cloud = cloud_with(once.into()).await;
    let id = node_in(&cloud, "idle").await["id"].clone();
    let reboot = format!("/pools/pool/nodes/{}/reboot", id.as_str().unwrap());
    cloud.client.post(&reboot).send().await.expect(202);
    node_in(&cloud, "starttaskfailed").await;
}

#[tokio::test]
async fn a_node_can_take_its_time_to_start() {
    let delay = Duration::from_secs(600);
    let pool = PoolSettings { start_delay: delay, ..PoolSettings::from("pool") };
    let cloud = Cloud::start_with(|settings| settings.pools = vec![pool]).await;
    cloud.job("job").await;
    cloud.script("job", "task", "true").await;
    let shown = node(&cloud).await;
    assert_eq!(shown["state"], "starting");
    assert!(shown.get("lastBootTime").is_none() && shown.get("nodeAgentInfo").is_none(), "{shown}");
    assert_eq!(cloud.get("/pools/pool").await.body["currentDedicatedNodes"], 1);
    assert_eq!(cloud.get("/jobs/job/tasks/task").await.body["state"], "active");
    cloud.emulator.shutdown().await;
}
