//! The effects of a task's end on its job.

use serde_json::{Value, json};

use crate::support::{Cloud, merged, shell_task};

/// Starts a cloud with an active job that performs the job actions of exit conditions.
async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"onTaskFailure": "performexitoptionsjobaction"})).await;
    cloud
}

fn action(condition: &str, action: &str) -> Value {
    json!({"exitConditions": {condition: {"jobAction": action}}})
}

#[tokio::test]
async fn an_exit_code_can_terminate_the_job() {
    let cloud = cloud().await;
    let conditions = json!({"exitConditions": {
        "exitCodeRanges": [{"start": 0, "end": 2, "exitOptions": {"jobAction": "terminate"}}],
        "default": {"jobAction": "none"},
    }});
    cloud.script("job", "long", "sleep 600").await;
    cloud.script_with("job", "other", "exit 3", conditions.clone()).await;
    cloud.completed("job", "other").await;
    cloud.run("true").await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "active");
    cloud.script_with("job", "zero", "exit 0", conditions).await;
    let job = cloud.job_in_state("job", "completed").await;
    assert_eq!(job["executionInfo"]["terminateReason"], "TaskFailed");
    let long = cloud.completed("job", "long").await;
    assert_eq!(long["executionInfo"]["failureInfo"]["code"], "TaskEnded");
}

#[tokio::test]
async fn an_exit_code_can_disable_the_job_which_requeues_its_tasks() {
    let cloud = cloud().await;
    cloud.script("job", "long", "echo up; sleep 600").await;
    cloud.wait_for_output("job", "long", "up").await;
    cloud.script_with("job", "bad", "exit 1", action("default", "disable")).await;
    cloud.job_in_state("job", "disabled").await;
    let long = cloud.get("/jobs/job/tasks/long").await.body;
    assert_eq!(long["state"], "active");
    assert_eq!(long["executionInfo"]["requeueCount"], 1);
    assert_eq!(cloud.completed("job", "bad").await["executionInfo"]["exitCode"], 1);
}

#[tokio::test]
async fn a_task_that_cannot_start_has_a_condition_of_its_own() {
    let cloud = cloud().await;
    let mut none = action("preProcessingError", "none");
    none["containerSettings"] = json!({"imageName": "not/there"});
    cloud.script_with("job", "none", "true", none).await;
    cloud.completed("job", "none").await;
    cloud.run("true").await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "active");
    let image = json!({"containerSettings": {"imageName": "not/there"}});
    cloud.script_with("job", "default", "true", image).await;
    cloud.job_in_state("job", "completed").await;
}

#[tokio::test]
async fn a_job_action_is_refused_where_the_job_takes_none() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let body = merged(shell_task("task", "true"), action("default", "none"));
    let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
    let refused = reply.expect_error(400, "InvalidPropertyValue");
    assert_eq!(refused.value("PropertyName"), "exitConditions.jobAction");
}
