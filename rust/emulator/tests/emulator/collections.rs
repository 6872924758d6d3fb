//! Task collections and task counts.

use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::{Cloud, merged, shell_task};

async fn add(cloud: &Cloud, tasks: Value) -> Reply {
    let body = json!({"value": tasks});
    cloud.client.post("/jobs/job/addtaskcollection").json(&body).send().await
}

#[tokio::test]
async fn each_task_of_a_collection_has_a_result_of_its_own() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "there", "true").await;
    let wrong = merged(shell_task("wrong", "true"), json!({"requiredSlots": 99}));
    let tasks = json!([shell_task("new", "true"), shell_task("THERE", "true"), wrong]);
    let reply = add(&cloud, tasks).await.expect(200);
    let results = reply.body["value"].as_array().unwrap();
    let of = |id: &str| results.iter().find(|one| one["taskId"] == id).unwrap();
    assert_eq!(of("new")["status"], "Success");
    assert!(of("new")["location"].as_str().unwrap().ends_with("/jobs/job/tasks/new"));
    assert_eq!(of("new")["error"], Value::Null);
    assert_eq!(of("THERE")["status"], "clienterror");
    assert_eq!(of("THERE")["error"]["code"], "TaskExists");
    assert_eq!(of("wrong")["error"]["code"], "InvalidPropertyValue");
    assert_eq!(of("wrong")["error"]["values"][0]["value"], "requiredSlots");
    let task = cloud.completed("job", "new").await;
    assert_eq!(task["executionInfo"]["exitCode"], 0);
    cloud.get("/jobs/job/tasks/wrong").await.expect_error(404, "TaskNotFound");
}

#[tokio::test]
async fn a_collection_has_1_to_100_tasks() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"poolInfo": {"poolId": "later"}})).await;
    let tasks = |count: usize| {
        let ids = (0..count).map(|number| shell_task(&format!("task{number}"), "true"));
        Value::Array(ids.collect())
    };
    add(&cloud, tasks(0)).await.expect_error(400, "InvalidPropertyValue");
    add(&cloud, tasks(101)).await.expect_error(400, "InvalidPropertyValue");
    let reply = add(&cloud, tasks(100)).await.expect(200);
    assert!(reply.body["value"].as_array().unwrap().iter().all(|one| one["status"] == "Success"));
}

#[tokio::test]
async fn a_collection_is_refused_in_whole_if_it_is_too_large_or_its_job_takes_no_tasks() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let large = merged(shell_task("large", "true"), json!({"displayName": "x".repeat(1_048_576)}));
    let reply = add(&cloud, json!([shell_task("small", "true"), large])).await;
    reply.expect_error(413, "RequestBodyTooLarge");
    cloud.get("/jobs/job/tasks/small").await.expect_error(404, "TaskNotFound");
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    let reply = add(&cloud, json!([shell_task("small", "true")])).await;
    reply.expect_error(409, "JobBeingTerminated");
    let body = json!({"value": [shell_task("small", "true")]});
    let reply = cloud.client.post("/jobs/none/addtaskcollection").json(&body).send().await;
    reply.expect_error(404, "JobNotFound");
}

#[tokio::test]
async fn tasks_and_their_slots_are_counted_by_state_and_result() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "good", "true").await;
    cloud.script("job", "bad", "false").await;
    cloud.completed("job", "good").await;
    cloud.completed("job", "bad").await;
    cloud.script_with("job", "wide", "echo up; sleep 600", json!({"requiredSlots": 3})).await;
    cloud.wait_for_output("job", "wide", "up").await;
    cloud.script_with("job", "waiting", "true", json!({"requiredSlots": 2})).await;
    let counts = cloud.get("/jobs/job/taskcounts").await.expect(200).body;
    let expected = json!({"active": 1, "running": 1, "completed": 2, "succeeded": 1, "failed": 1});
    assert_eq!(counts["taskCounts"], expected);
    let expected = json!({"active": 2, "running": 3, "completed": 2, "succeeded": 1, "failed": 1});
    assert_eq!(counts["taskSlotCounts"], expected);
    cloud.get("/jobs/none/taskcounts").await.expect_error(404, "JobNotFound");
}
