//! Task dependencies.

use serde_json::{Value, json};

use crate::support::{Cloud, merged, shell_task};

/// Starts a cloud with an active job whose tasks may depend on each other.
async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"usesTaskDependencies": true})).await;
    cloud
}

fn depends_on(tasks: Value) -> Value {
    json!({"dependsOn": {"taskIds": tasks}})
}

/// Returns the state of a task after the node had free slots and time for another one.
async fn state_later(cloud: &Cloud, task: &str) -> Value {
    cloud.run("true").await;
    cloud.get(&format!("/jobs/job/tasks/{task}")).await.expect(200).body["state"].clone()
}

#[tokio::test]
async fn a_task_waits_for_the_success_of_what_it_depends_on() {
    let cloud = cloud().await;
    let shared = "$AZ_BATCH_NODE_SHARED_DIR";
    cloud
        .script_with("job", "child", &format!("cat {shared}/done"), depends_on(json!(["PARENT"])))
        .await;
    assert_eq!(state_later(&cloud, "child").await, "active");
    cloud.script("job", "parent", &format!("echo parent > {shared}/done")).await;
    let child = cloud.completed("job", "child").await;
    assert_eq!(child["executionInfo"]["exitCode"], 0);
    assert_eq!(child["dependsOn"]["taskIds"], json!(["PARENT"]));
}

#[tokio::test]
async fn a_task_waits_for_every_task_of_a_range() {
    let cloud = cloud().await;
    let range = json!({"dependsOn": {"taskIdRanges": [{"start": 9, "end": 10}]}});
    cloud.script_with("job", "child", "true", range).await;
    cloud.script("job", "9", "true").await;
    cloud.completed("job", "9").await;
    assert_eq!(state_later(&cloud, "child").await, "active");
    cloud.script("job", "10", "true").await;
    cloud.completed("job", "child").await;
}

#[tokio::test]
async fn a_task_that_failed_blocks_those_that_depend_on_it_and_keeps_the_job_open() {
    let cloud = cloud().await;
    cloud.script_with("job", "child", "true", depends_on(json!(["parent"]))).await;
    cloud.script("job", "parent", "exit 1").await;
    let end = json!({"onAllTasksComplete": "terminatejob"});
    cloud.client.patch("/jobs/job").json(&end).send().await.expect(200);
    cloud.completed("job", "parent").await;
    assert_eq!(state_later(&cloud, "child").await, "active");
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "active");
}

#[tokio::test]
async fn an_exit_condition_satisfies_or_blocks_those_that_depend_on_the_task() {
    let cloud = cloud().await;
    let on = |code: i32, action: &str| {
        let options = json!({"dependencyAction": action});
        json!({"exitConditions": {"exitCodes": [{"code": code, "exitOptions": options}]}})
    };
    cloud.script_with("job", "satisfied", "true", depends_on(json!(["failed"]))).await;
    cloud.script_with("job", "blocked", "true", depends_on(json!(["succeeded"]))).await;
    cloud.script_with("job", "failed", "exit 3", on(3, "satisfy")).await;
    cloud.script_with("job", "succeeded", "exit 0", on(0, "block")).await;
    cloud.completed("job", "satisfied").await;
    cloud.completed("job", "succeeded").await;
    assert_eq!(state_later(&cloud, "blocked").await, "active");
}

#[tokio::test]
async fn a_job_that_uses_no_dependencies_refuses_them() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let cloud = &cloud;
    let add = |extra: Value| {
        let body = merged(shell_task("task", "true"), extra);
        async move { cloud.client.post("/jobs/job/tasks").json(&body).send().await }
    };
    let refused = add(depends_on(json!(["other"]))).await;
    let refused = refused.expect_error(400, "UnsupportedProperty");
    assert_eq!(refused.value("PropertyName"), "dependsOn");
    let action = json!({"exitConditions": {"default": {"dependencyAction": "satisfy"}}});
    let refused = add(action).await.expect_error(400, "InvalidPropertyValue");
    assert_eq!(refused.value("PropertyName"), "exitConditions.dependencyAction");
    add(depends_on(json!([]))).await.expect(201);
}

#[tokio::test]
async fn the_list_of_dependencies_has_64000_characters_at_most() {
    let cloud = cloud().await;
    let ids: Vec<String> = (0..1001).map(|number| format!("{number:064}")).collect();
    let body = merged(shell_task("task", "true"), depends_on(json!(ids)));
    let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
    reply.expect_error(400, "TaskDependencyListTooLong");
    let body = merged(shell_task("task", "true"), depends_on(json!(ids[..1000])));
    cloud.client.post("/jobs/job/tasks").json(&body).send().await.expect(201);
}
