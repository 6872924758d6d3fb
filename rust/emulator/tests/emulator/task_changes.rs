//! Changing and reactivating tasks.

use serde_json::{Value, json};

use crate::support::Cloud;
use crate::support::client::Reply;

async fn replace(cloud: &Cloud, body: Value) -> Reply {
    cloud.client.put("/jobs/job/tasks/task").json(&body).send().await
}

async fn reactivate(cloud: &Cloud, task: &str) -> Reply {
    cloud.client.post(&format!("/jobs/job/tasks/{task}/reactivate")).send().await
}

#[tokio::test]
async fn the_constraints_of_a_task_are_replaced_and_nothing_else_is() {
    let cloud = Cloud::start().await;
    let job = json!({"poolInfo": {"poolId": "later"}, "constraints": {"maxTaskRetryCount": 4}});
    cloud.job_with("job", job).await;
    cloud
        .script_with("job", "task", "true", json!({"constraints": {"maxTaskRetryCount": 2}}))
        .await;
    let before = cloud.get("/jobs/job/tasks/task").await;
    let given = json!({"odata.metadata": "x", "constraints": {"maxWallClockTime": "PT1H"}});
    replace(&cloud, given).await.expect(200);
    let after = cloud.get("/jobs/job/tasks/task").await;
    let constraints = &after.body["constraints"];
    assert_eq!(constraints["maxWallClockTime"], "PT1H");
    assert_eq!(constraints["retentionTime"], "P7D");
    assert_eq!(constraints["maxTaskRetryCount"], 4);
    assert_ne!(after.header("etag"), before.header("etag"));
    let refused = replace(&cloud, json!({"commandLine": "false"})).await;
    refused.expect_error(400, "InvalidRequestBody");
    let wrong = json!({"constraints": {"maxTaskRetryCount": -2}});
    replace(&cloud, wrong).await.expect_error(400, "InvalidPropertyValue");
    let stale = cloud.client.put("/jobs/job/tasks/task").json(&json!({}));
    let stale = stale.header("if-match", before.header("etag")).send().await;
    stale.expect_error(412, "ConditionNotMet");
}

#[tokio::test]
async fn a_completed_task_cannot_be_changed() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "true").await;
    cloud.completed("job", "task").await;
    replace(&cloud, json!({})).await.expect_error(409, "TaskCompleted");
}

#[tokio::test]
async fn a_failed_task_runs_again_when_it_is_reactivated() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let once_more = json!({"constraints": {"maxTaskRetryCount": 1}});
    let script = "cd $AZ_BATCH_NODE_SHARED_DIR; echo >> tries; test $(wc -l < tries) = 3";
    cloud.script_with("job", "task", script, once_more).await;
    let failed = cloud.completed("job", "task").await;
    assert_eq!(failed["executionInfo"]["retryCount"], 1);
    reactivate(&cloud, "task").await.expect(204);
    let task = cloud.completed("job", "task").await;
    assert_eq!(task["executionInfo"]["exitCode"], 0);
    assert_eq!(task["executionInfo"]["retryCount"], 0);
    reactivate(&cloud, "task").await.expect_error(409, "TaskSucceeded");
}

#[tokio::test]
async fn a_reactivated_task_shows_nothing_of_its_last_run() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "exit 3").await;
    cloud.completed("job", "task").await;
    cloud.ask_job("job", "disable", json!({"disableTasks": "wait"})).await.expect(202);
    cloud.job_in_state("job", "disabled").await;
    reactivate(&cloud, "task").await.expect(204);
    let task = cloud.get("/jobs/job/tasks/task").await.expect(200).body;
    assert_eq!(task["state"], "active");
    let execution = &task["executionInfo"];
    for name in ["exitCode", "failureInfo", "result", "endTime", "startTime"] {
        assert_eq!(execution[name], Value::Null, "{name}");
    }
    reactivate(&cloud, "task").await.expect_error(409, "TaskNotCompleted");
}

#[tokio::test]
async fn no_task_of_a_completed_job_can_be_reactivated() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "exit 3").await;
    cloud.completed("job", "task").await;
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    reactivate(&cloud, "task").await.expect_error(409, "JobBeingTerminated");
    cloud.job_in_state("job", "completed").await;
    reactivate(&cloud, "task").await.expect_error(409, "JobCompleted");
}
