//! Disabling, changing and enabling jobs.

use serde_json::{Value, json};

use crate::support::Cloud;

async fn disable(cloud: &Cloud, tasks: &str) {
    cloud.ask_job("job", "disable", json!({"disableTasks": tasks})).await.expect(202);
}

async fn enable(cloud: &Cloud) {
    cloud.client.post("/jobs/job/enable").send().await.expect(202);
}

/// Starts a cloud with a task `long` that runs until the file `go` is in the node's shared
/// directory.
async fn cloud_with_a_running_task() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let script = "echo up; while [ ! -e $AZ_BATCH_NODE_SHARED_DIR/go ]; do sleep 0.05; done";
    cloud.script("job", "long", script).await;
    cloud.wait_for_output("job", "long", "up").await;
    cloud
}

async fn let_go(cloud: &Cloud) {
    cloud.job("let-go").await;
    cloud.script("let-go", "task", "touch $AZ_BATCH_NODE_SHARED_DIR/go").await;
    cloud.completed("let-go", "task").await;
}

async fn task(cloud: &Cloud) -> Value {
    cloud.get("/jobs/job/tasks/long").await.expect(200).body
}

#[tokio::test]
async fn a_requeued_task_is_active_until_the_job_is_enabled_and_then_runs_again() {
    let cloud = cloud_with_a_running_task().await;
    disable(&cloud, "requeue").await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "disabling");
    cloud.job_in_state("job", "disabled").await;
    assert_eq!(task(&cloud).await["state"], "active");
    assert_eq!(task(&cloud).await["executionInfo"]["requeueCount"], 1);
    let_go(&cloud).await;
    assert_eq!(task(&cloud).await["state"], "active");
    enable(&cloud).await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "active");
    let long = cloud.completed("job", "long").await;
    assert_eq!(long["executionInfo"]["exitCode"], 0);
    assert_eq!(long["executionInfo"]["requeueCount"], 1);
    assert_eq!(long["executionInfo"]["retryCount"], 0);
}

#[tokio::test]
async fn disabling_a_job_can_terminate_its_tasks() {
    let cloud = cloud_with_a_running_task().await;
    disable(&cloud, "terminate").await;
    cloud.job_in_state("job", "disabled").await;
    assert_eq!(task(&cloud).await["state"], "completed");
    assert_eq!(task(&cloud).await["executionInfo"]["failureInfo"]["code"], "TaskEnded");
}

#[tokio::test]
async fn disabling_a_job_can_wait_for_its_tasks() {
    let cloud = cloud_with_a_running_task().await;
    disable(&cloud, "wait").await;
    cloud.run("true").await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "disabling");
    let_go(&cloud).await;
    cloud.job_in_state("job", "disabled").await;
    assert_eq!(task(&cloud).await["executionInfo"]["exitCode"], 0);
}

#[tokio::test]
async fn a_disabled_job_takes_tasks_that_wait_in_the_pool_it_is_moved_to() {
    let cloud = Cloud::start_with(|settings| settings.pools.push("other".into())).await;
    cloud.job_with("job", json!({"onAllTasksComplete": "noaction"})).await;
    disable(&cloud, "wait").await;
    cloud.job_in_state("job", "disabled").await;
    cloud.script("job", "long", "true").await;
    let body = json!({"poolInfo": {"poolId": "other"}});
    cloud.client.patch("/jobs/job").json(&body).send().await.expect(200);
    cloud.run("true").await;
    assert_eq!(task(&cloud).await["state"], "active");
    enable(&cloud).await;
    assert_eq!(cloud.completed("job", "long").await["nodeInfo"]["poolId"], "other");
    assert_eq!(cloud.get("/jobs/job").await.body["executionInfo"]["poolId"], "other");
}

#[tokio::test]
async fn a_disabled_job_can_be_terminated() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    disable(&cloud, "wait").await;
    cloud.job_in_state("job", "disabled").await;
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    cloud.job_in_state("job", "completed").await;
    let body = json!({"disableTasks": "wait"});
    cloud.ask_job("job", "disable", body).await.expect_error(409, "JobCompleted");
    cloud.client.post("/jobs/job/enable").send().await.expect_error(409, "JobCompleted");
}

#[tokio::test]
async fn a_job_that_is_being_disabled_can_be_enabled() {
    let cloud = cloud_with_a_running_task().await;
    disable(&cloud, "wait").await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "disabling");
    enable(&cloud).await;
    let_go(&cloud).await;
    cloud.completed("job", "long").await;
    let job = cloud.get("/jobs/job").await.body;
    assert_eq!((&job["state"], &job["previousState"]), (&json!("active"), &json!("active")));
}

#[tokio::test]
async fn only_a_disabled_job_can_be_enabled() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.client.post("/jobs/job/enable").send().await.expect_error(409, "JobNotDisabled");
}

#[tokio::test]
async fn a_disabled_job_ends_with_its_tasks_only_once_it_is_enabled() {
    let cloud = cloud_with_a_running_task().await;
    let end = json!({"onAllTasksComplete": "terminatejob"});
    cloud.client.patch("/jobs/job").json(&end).send().await.expect(200);
    disable(&cloud, "terminate").await;
    cloud.job_in_state("job", "disabled").await;
    cloud.run("true").await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "disabled");
    enable(&cloud).await;
    cloud.job_in_state("job", "completed").await;
}

#[tokio::test]
async fn a_replaced_job_has_the_defaults_of_what_is_not_named() {
    let cloud = Cloud::start().await;
    let given = json!({
        "priority": 5,
        "constraints": {"maxTaskRetryCount": 2},
        "metadata": [{"name": "a", "value": "1"}],
        "maxParallelTasks": 3,
    });
    cloud.job_with("job", given).await;
    let body = json!({"odata.metadata": "x", "poolInfo": {"poolId": "pool"}, "priority": 7});
    cloud.client.put("/jobs/job").json(&body).send().await.expect(200);
    let job = cloud.get("/jobs/job").await.expect(200).body;
    assert_eq!((&job["priority"], &job["maxParallelTasks"]), (&json!(7), &json!(-1)));
    assert_eq!(
        (&job["constraints"]["maxTaskRetryCount"], &job["metadata"]),
        (&json!(0), &Value::Null)
    );
    let other = json!({"poolInfo": {"poolId": "other"}});
    cloud.client.put("/jobs/job").json(&other).send().await.expect_error(409, "JobNotDisabled");
    let none = json!({"priority": 1});
    let refused = cloud.client.put("/jobs/job").json(&none).send().await;
    refused.expect_error(400, "MissingRequiredProperty");
}

#[tokio::test]
async fn no_more_tasks_of_a_job_run_than_it_allows() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"maxParallelTasks": 1})).await;
    for id in ["long", "next"] {
        cloud.script("job", id, "echo up; sleep 600").await;
    }
    cloud.wait_for_output("job", "long", "up").await;
    cloud.run("true").await;
    assert_eq!(cloud.get("/jobs/job/tasks/next").await.body["state"], "active");
    let more = json!({"maxParallelTasks": -1});
    cloud.client.patch("/jobs/job").json(&more).send().await.expect(200);
    cloud.wait_for_output("job", "next", "up").await;
    let none = json!({"maxParallelTasks": 0});
    let refused = cloud.client.patch("/jobs/job").json(&none).send().await;
    refused.expect_error(400, "InvalidPropertyValue");
}
