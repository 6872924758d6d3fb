//! Operations on nodes.

use azure_batch_emulator::{Isolation, PoolSettings};
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::{Cloud, merged, shell_task, until};

/// Starts a cloud with a pool of one node and a job; returns the node's path.
async fn cloud() -> (Cloud, String) {
    let cloud = Cloud::start_with(|settings| {
        settings.pools = vec![PoolSettings::from("pool")];
        settings.isolation = Isolation::None;
    })
    .await;
    cloud.job("job").await;
    let path = format!("/pools/pool/nodes/{}", cloud.emulator.node_ids("pool").unwrap()[0]);
    (cloud, path)
}

async fn ask(cloud: &Cloud, path: &str, what: &str, body: Value) -> Reply {
    cloud.client.post(&format!("{path}/{what}")).json(&body).send().await
}

async fn in_state(cloud: &Cloud, path: &str, state: &str) -> Value {
    until(&format!("a node that is {state}"), || async {
        let node = cloud.get(path).await.expect(200).body;
        (node["state"] == state).then_some(node)
    })
    .await
}

async fn run(cloud: &Cloud, task: &str) {
    cloud.script("job", task, "echo up; sleep 600").await;
    cloud.wait_for_output("job", task, "up").await;
}

#[tokio::test]
async fn a_rebooted_node_keeps_its_files_and_runs_its_tasks_again() {
    let (cloud, node) = cloud().await;
    cloud.script("job", "before", "echo text").await;
    cloud.completed("job", "before").await;
    run(&cloud, "task").await;
    let booted = cloud.get(&node).await.body["lastBootTime"].clone();
    cloud.client.post(&format!("{node}/reboot")).send().await.expect(202);
    assert_eq!(cloud.get(&node).await.body["state"], "rebooting");
    ask(&cloud, &node, "reboot", json!({})).await.expect_error(409, "NodeBeingRebooted");
    let shown = in_state(&cloud, &node, "running").await;
    assert_ne!(shown["lastBootTime"], booted);
    let task = cloud.task_in_state("job", "task", "running").await;
    assert_eq!(task["executionInfo"]["requeueCount"], 1);
    let file = cloud.get("/jobs/job/tasks/before/files/stdout.txt").await.expect(200);
    assert_eq!(file.text, "text\n");
}

#[tokio::test]
async fn a_reboot_can_end_tasks_or_wait_for_them() {
    for option in ["terminate", "taskcompletion"] {
        let (cloud, node) = cloud().await;
        let go = cloud.image.path().join("go");
        let wait = format!("echo up; while [ ! -e {} ]; do sleep 0.05; done", go.display());
        cloud.script("job", "task", &wait).await;
        cloud.wait_for_output("job", "task", "up").await;
        ask(&cloud, &node, "reboot", json!({"nodeRebootOption": option})).await.expect(202);
        std::fs::write(go, "").unwrap();
        let execution = cloud.completed("job", "task").await["executionInfo"].clone();
        let ended = execution["failureInfo"]["code"] == "TaskEnded";
        assert_eq!(ended, option == "terminate", "{execution}");
        assert_eq!(execution["requeueCount"], 0);
        in_state(&cloud, &node, "idle").await;
    }
}

#[tokio::test]
async fn a_reimaged_node_is_empty_and_prepared_again() {
    let (cloud, node) = cloud().await;
    let counting = "echo prepared >> $AZ_BATCH_NODE_SHARED_DIR/log";
    let preparation =
        merged(shell_task("prepare", counting), json!({"rerunOnNodeRebootAfterSuccess": false}));
    cloud.job_with("prepared", json!({"jobPreparationTask": preparation})).await;
    let script = "cat $AZ_BATCH_NODE_SHARED_DIR/log; echo ran >> $AZ_BATCH_NODE_SHARED_DIR/log";
    cloud.script("prepared", "before", script).await;
    cloud.completed("prepared", "before").await;
    run(&cloud, "task").await;
    let before = cloud.get(&node).await.body;
    cloud.client.post(&format!("{node}/reimage")).send().await.expect(202);
    assert_eq!(cloud.get(&node).await.body["state"], "reimaging");
    for restart in ["reimage", "reboot"] {
        ask(&cloud, &node, restart, json!({})).await.expect_error(409, "NodeBeingReimaged");
    }
    let shown = in_state(&cloud, &node, "running").await;
    assert_ne!(shown["lastBootTime"], before["lastBootTime"]);
    assert_eq!(shown["allocationTime"], before["allocationTime"]);
    let gone = cloud.get("/jobs/prepared/tasks/before/files/stdout.txt").await;
    gone.expect_error(404, "FileNotFound");
    cloud.script("prepared", "after", script).await;
    cloud.completed("prepared", "after").await;
    let output = cloud.get("/jobs/prepared/tasks/after/files/stdout.txt").await.expect(200);
    assert_eq!(output.text, "prepared\n");
}

#[tokio::test]
async fn a_node_without_scheduling_gets_no_tasks_until_it_has_it_again() {
    let (cloud, node) = cloud().await;
    let refused = ask(&cloud, &node, "enablescheduling", json!({})).await;
    refused.expect_error(409, "NodeAlreadyInTargetSchedulingState");
    run(&cloud, "task").await;
    let disable = |option: &str| json!({"nodeDisableSchedulingOption": option});
    ask(&cloud, &node, "disablescheduling", disable("taskcompletion")).await.expect(200);
    let shown = cloud.get(&node).await.body;
    assert_eq!(
        (&shown["state"], &shown["schedulingState"]),
        (&json!("running"), &json!("disabled"))
    );
    cloud.script("job", "next", "true").await;
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    in_state(&cloud, &node, "offline").await;
    assert_eq!(cloud.get("/jobs/job/tasks/next").await.body["state"], "active");
    cloud.get("/jobs/job/tasks/task/files/stdout.txt").await.expect(200);
    let again = ask(&cloud, &node, "disablescheduling", json!({})).await;
    again.expect_error(409, "NodeAlreadyInTargetSchedulingState");
    ask(&cloud, &node, "reboot", json!({})).await.expect_error(409, "OperationNotValidOnNode");
    cloud.client.post(&format!("{node}/enablescheduling")).send().await.expect(200);
    cloud.completed("job", "next").await;
}

#[tokio::test]
async fn disabling_scheduling_can_end_the_tasks_of_a_node() {
    for (option, state) in [("requeue", "active"), ("terminate", "completed")] {
        let (cloud, node) = cloud().await;
        run(&cloud, "task").await;
        let disable = json!({"nodeDisableSchedulingOption": option});
        ask(&cloud, &node, "disablescheduling", disable).await.expect(200);
        in_state(&cloud, &node, "offline").await;
        cloud.task_in_state("job", "task", state).await;
    }
}
