//! Jobs.

use std::time::Duration;

use azure_batch_emulator::{Fault, StateDelays};
use serde_json::{Value, json};

use crate::support::connection::{answer, connection};
use crate::support::{Cloud, shell_task, until};

#[tokio::test]
async fn a_new_job_is_active_and_keeps_what_it_was_given() {
    let cloud = Cloud::start().await;
    let given = json!({
        "id": "My-Job_1",
        "displayName": "a job",
        "priority": 5,
        "poolInfo": {"poolId": "pool"},
        "constraints": {"maxWallClockTime": "PT1H", "maxTaskRetryCount": 2},
        "metadata": [{"name": "kestra", "value": "yes"}],
    });
    let created = cloud.client.post("/jobs").json(&given).send().await.expect(201);
    let job = cloud.get("/jobs/my-job_1").await.expect(200);
    assert_eq!(job.body["eTag"], created.header("etag"));
    assert!(created.header("location").ends_with("/jobs/job-1"));
    assert_eq!(job.body["state"], "active");
    assert_eq!(job.body["onAllTasksComplete"], "noaction");
    assert_eq!(job.body["executionInfo"]["poolId"], "pool");
    for (name, value) in given.as_object().unwrap() {
        assert_eq!(&job.body[name], value, "{name}");
    }
}

#[tokio::test]
async fn an_id_is_unique_without_regard_to_case() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let body = json!({"id": "JOB", "poolInfo": {"poolId": "pool"}});
    cloud.client.post("/jobs").json(&body).send().await.expect_error(409, "JobExists");
}

#[tokio::test]
async fn an_id_of_other_characters_is_refused() {
    let cloud = Cloud::start().await;
    let body = json!({"id": "a.b", "poolInfo": {"poolId": "pool"}});
    let reply = cloud.client.post("/jobs").json(&body).send().await;
    assert_eq!(reply.expect_error(400, "InvalidPropertyValue").value("PropertyValue"), "a.b");
}

#[tokio::test]
async fn a_job_of_an_unknown_pool_is_accepted_and_its_tasks_stay_active() {
    let cloud = Cloud::start().await;
    cloud.job_with("waiting", json!({"poolInfo": {"poolId": "later"}})).await;
    cloud.script("waiting", "task", "true").await;
    cloud.run("true").await;
    let task = cloud.get("/jobs/waiting/tasks/task").await.expect(200);
    assert_eq!(task.body["state"], "active");
}

#[tokio::test]
async fn a_patch_changes_only_what_it_names() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"metadata": [{"name": "a", "value": "1"}]})).await;
    let before = cloud.get("/jobs/job").await.expect(200);
    cloud.client.patch("/jobs/job").json(&json!({"priority": 7})).send().await.expect(200);
    let after = cloud.get("/jobs/job").await.expect(200);
    assert_eq!(after.body["priority"], 7);
    assert_eq!(after.body["metadata"], before.body["metadata"]);
    assert_ne!(after.header("etag"), before.header("etag"));
}

#[tokio::test]
async fn a_patch_cannot_take_back_automatic_termination() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "sleep 600").await;
    let patch = |action: &str| {
        let body = json!({"onAllTasksComplete": action});
        cloud.client.patch("/jobs/job").json(&body).send()
    };
    patch("terminatejob").await.expect(200);
    patch("noaction").await.expect_error(400, "InvalidPropertyValue");
}

#[tokio::test]
async fn the_pool_of_a_job_cannot_be_changed_while_it_is_active() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let body = json!({"poolInfo": {"poolId": "other"}});
    cloud.client.patch("/jobs/job").json(&body).send().await.expect_error(409, "JobNotDisabled");
    let same = json!({"poolInfo": {"poolId": "POOL"}});
    cloud.client.patch("/jobs/job").json(&same).send().await.expect(200);
}

#[tokio::test]
async fn a_job_ends_by_itself_when_its_tasks_are_done() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "one", "true").await;
    cloud.script("job", "two", "sleep 1; exit 3").await;
    let body = json!({"onAllTasksComplete": "terminatejob"});
    cloud.client.patch("/jobs/job").json(&body).send().await.expect(200);
    let job = cloud.job_in_state("job", "completed").await;
    assert_eq!(job["executionInfo"]["terminateReason"], "AllTasksComplete");
    assert_eq!(cloud.completed("job", "two").await["executionInfo"]["exitCode"], 3);
}

#[tokio::test]
async fn an_empty_job_that_ends_with_its_tasks_ends_a_little_later() {
    let cloud = Cloud::start().await;
    for id in ["empty", "filled"] {
        cloud.job_with(id, json!({"onAllTasksComplete": "terminatejob"})).await;
    }
    cloud.script("filled", "task", "sleep 600").await;
    assert_eq!(cloud.get("/jobs/empty").await.body["state"], "active");
    cloud.job_in_state("empty", "completed").await;
    assert_eq!(cloud.get("/jobs/filled").await.body["state"], "active");
}

#[tokio::test]
async fn a_failed_task_ends_its_job_if_the_job_says_so() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"onTaskFailure": "performexitoptionsjobaction"})).await;
    cloud.script("job", "long", "sleep 600").await;
    cloud.script("job", "bad", "exit 1").await;
    let job = cloud.job_in_state("job", "completed").await;
    assert_eq!(job["executionInfo"]["terminateReason"], "TaskFailed");
    let long = cloud.completed("job", "long").await;
    assert_eq!(long["executionInfo"]["failureInfo"]["code"], "TaskEnded");
}

#[tokio::test]
async fn a_job_ends_when_its_wall_clock_time_is_over() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"constraints": {"maxWallClockTime": "PT1S"}})).await;
    cloud.script("job", "task", "sleep 600").await;
    let job = cloud.job_in_state("job", "completed").await;
    assert_eq!(job["executionInfo"]["terminateReason"], "MaxWallClockTimeExpiry");
}

#[tokio::test]
async fn terminating_a_job_takes_a_moment_and_ends_its_tasks() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "echo up; sleep 600").await;
    cloud.wait_for_output("job", "task", "up").await;
    let terminate = || {
        let body = json!({"terminateReason": "enough"});
        cloud.client.post("/jobs/job/terminate").json(&body).send()
    };
    terminate().await.expect(202);
    let terminating = cloud.get("/jobs/job").await.body;
    assert_eq!(terminating["state"], "terminating");
    assert_eq!(terminating["executionInfo"]["terminateReason"], "enough");
    assert_eq!(terminating["executionInfo"]["endTime"], Value::Null);
    terminate().await.expect_error(409, "JobBeingTerminated");
    let job = cloud.job_in_state("job", "completed").await;
    assert_eq!(job["executionInfo"]["terminateReason"], "enough");
    let task = cloud.completed("job", "task").await;
    assert_eq!(task["executionInfo"]["failureInfo"]["code"], "TaskEnded");
    terminate().await.expect_error(409, "JobCompleted");
}

#[tokio::test]
async fn a_job_terminated_without_a_reason_has_user_terminate() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    let job = cloud.job_in_state("job", "completed").await;
    assert_eq!(job["executionInfo"]["terminateReason"], "UserTerminate");
}

#[tokio::test]
async fn a_terminated_job_takes_no_tasks_and_leaves_waiting_ones_active() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"poolInfo": {"poolId": "later"}})).await;
    cloud.script("job", "task", "true").await;
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    cloud.job_in_state("job", "completed").await;
    assert_eq!(cloud.get("/jobs/job/tasks/task").await.body["state"], "active");
    let body = json!({"id": "late", "commandLine": "true"});
    let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
    reply.expect_error(409, "JobCompleted");
}

#[tokio::test]
async fn deleting_a_job_takes_a_moment_and_frees_its_id() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "echo up; sleep 600").await;
    cloud.wait_for_output("job", "task", "up").await;
    cloud.client.delete("/jobs/job").send().await.expect(202);
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "deleting");
    cloud.client.delete("/jobs/job").send().await.expect_error(409, "JobBeingDeleted");
    cloud.get("/jobs/job/tasks/task").await.expect(200);
    let late = cloud.client.post("/jobs/job/tasks").json(&shell_task("late", "true")).send().await;
    late.expect_error(409, "JobBeingDeleted");
    let end = cloud.client.post("/jobs/job/tasks/task/terminate").send().await;
    end.expect_error(409, "JobBeingDeleted");
    let body = json!({"id": "job", "poolInfo": {"poolId": "pool"}});
    let again = || cloud.client.post("/jobs").json(&body).send();
    again().await.expect_error(409, "JobBeingDeleted");
    until("the job is gone", || async {
        (cloud.get("/jobs/job").await.status == 404).then_some(())
    })
    .await;
    cloud.client.delete("/jobs/job").send().await.expect_error(404, "JobNotFound");
    until("the id is free", || async { (again().await.status == 201).then_some(()) }).await;
    cloud.get("/jobs/job/tasks/task").await.expect_error(404, "TaskNotFound");
}

#[tokio::test]
async fn the_id_of_an_existing_job_is_refused_depending_on_its_state() {
    let cloud = Cloud::start_with(|settings| {
        settings.state_delay = StateDelays::from(Duration::from_secs(1));
    })
    .await;
    cloud.job("job").await;
    let body = json!({"id": "JOB", "poolInfo": {"poolId": "pool"}});
    let again = || cloud.client.post("/jobs").json(&body).send();
    again().await.expect_error(409, "JobExists");
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    again().await.expect_error(409, "JobBeingTerminated");
    cloud.job_in_state("job", "completed").await;
    let completed = again().await.expect_error(409, "JobCompleted");
    let message = completed.body["message"]["value"].as_str().unwrap();
    assert!(
        message.starts_with("The specified job is already in a completed state.\n"),
        "{message}"
    );
    cloud.client.delete("/jobs/job").send().await.expect(202);
    let deleting = again().await.expect_error(409, "JobBeingDeleted");
    let message = deleting.body["message"]["value"].as_str().unwrap();
    let garbage =
        "The specified job has been marked for deletion and is being garbage collected.\n";
    assert!(message.starts_with(garbage), "{message}");
}

#[tokio::test]
async fn the_id_of_a_deleted_job_cannot_be_reused_for_a_moment() {
    for (delay, status) in [(Duration::from_secs(3_600), 409), (Duration::ZERO, 201)] {
        let cloud = Cloud::start_with(|settings| settings.deleted_id_delay = delay).await;
        cloud.job("job").await;
        cloud.client.delete("/jobs/job").send().await.expect(202);
        cloud.gone("job").await;
        let body = json!({"id": "Job", "poolInfo": {"poolId": "pool"}});
        let reply = cloud.client.post("/jobs").json(&body).send().await.expect(status);
        let code = if status == 409 { json!("JobBeingDeleted") } else { Value::Null };
        assert_eq!(reply.body["code"], code);
        cloud.job("other").await;
    }
}

#[tokio::test]
async fn the_reason_phrase_of_an_error_is_its_message() {
    let cloud = Cloud::start().await;
    let request = b"GET /jobs HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let reply = answer(connection(&cloud, request).await).await;
    let line = "HTTP/1.1 403 Server failed to authenticate the request. Make sure the value of \
                Authorization header is formed correctly including the signature.\r\n";
    assert!(reply.starts_with(line), "{reply}");
}

#[tokio::test]
async fn an_error_without_values_has_none() {
    let cloud = Cloud::start_with(|settings| settings.job_quota = 1).await;
    cloud.emulator.inject("list-jobs=429".parse::<Fault>().unwrap());
    cloud.run("true").await;
    let job = |id: &str| json!({"id": id, "poolInfo": {"poolId": "pool"}});
    let create = |id| cloud.client.post("/jobs").json(&job(id)).send();
    let patch = cloud.client.patch("/jobs/run").json(&json!({"priority": 1}));
    let ended = cloud.client.post("/jobs/run/tasks/task/terminate");
    for (reply, code) in [
        (create("run").await, "JobExists"),
        (create("other").await, "ActiveJobAndScheduleQuotaReached"),
        (cloud.get("/jobs/none").await, "JobNotFound"),
        (cloud.get("/jobs/run/tasks/none").await, "TaskNotFound"),
        (cloud.get("/pools/none").await, "PoolNotFound"),
        (patch.header("if-match", "0x1").send().await, "ConditionNotMet"),
        (ended.send().await, "TaskCompleted"),
        (cloud.get("/jobs").await, "TooManyRequests"),
    ] {
        assert_eq!(reply.body["code"], code, "{}", reply.text);
        assert_eq!(reply.body.get("values"), None, "{}", reply.text);
    }
}

#[tokio::test]
async fn conditions_guard_reads_and_writes() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let etag = cloud.get("/jobs/job").await.header("etag").to_owned();
    let same = cloud.client.get("/jobs/job").header("if-none-match", &etag).send().await;
    assert_eq!(same.expect(304).text, "");
    let body = json!({"priority": 1});
    let patch = |tag: &str| cloud.client.patch("/jobs/job").json(&body).header("if-match", tag);
    patch("0x1").send().await.expect_error(412, "ConditionNotMet");
    patch(&etag).send().await.expect(200);
    patch(&etag).send().await.expect_error(412, "ConditionNotMet");
}

#[tokio::test]
async fn an_account_has_a_quota_of_active_jobs() {
    let cloud = Cloud::start_with(|settings| settings.job_quota = 2).await;
    cloud.job("job0").await;
    cloud.job("job1").await;
    let body = json!({"id": "one-more", "poolInfo": {"poolId": "pool"}});
    let add = || cloud.client.post("/jobs").json(&body).send();
    add().await.expect_error(409, "ActiveJobAndScheduleQuotaReached");
    cloud.client.post("/jobs/job0/terminate").send().await.expect(202);
    cloud.job_in_state("job0", "completed").await;
    add().await.expect(201);
}
