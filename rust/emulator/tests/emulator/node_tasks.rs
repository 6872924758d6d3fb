//! The preparation and release tasks of jobs.

use azure_batch_emulator::Isolation;
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::{Cloud, merged, shell_task, until};

const SHARED: &str = "$AZ_BATCH_NODE_SHARED_DIR";

/// Returns a preparation or release task that runs a script.
fn script(text: &str, extra: Value) -> Value {
    let mut task = shell_task("x", text);
    task.as_object_mut().unwrap().remove("id");
    merged(task, extra)
}

fn preparation(text: &str, extra: Value) -> Value {
    json!({"jobPreparationTask": script(text, extra)})
}

/// Returns the state of the two tasks on the job's only node.
async fn status(cloud: &Cloud) -> Value {
    let list = cloud.get("/jobs/job/jobpreparationandreleasetaskstatus").await.expect(200).body;
    assert_eq!(list["value"].as_array().unwrap().len(), 1, "{list}");
    list["value"][0].clone()
}

/// Waits for the preparation task on the job's only node, which may not have started.
async fn preparation_has(cloud: &Cloud, property: &str, value: Value) {
    until("the preparation is that far", || async {
        let list = cloud.get("/jobs/job/jobpreparationandreleasetaskstatus").await.body;
        (list["value"][0]["jobPreparationTaskExecutionInfo"][property] == value).then_some(())
    })
    .await;
}

async fn create_job(cloud: &Cloud, extra: Value) -> Reply {
    let body = merged(json!({"id": "job", "poolInfo": {"poolId": "pool"}}), extra);
    cloud.client.post("/jobs").json(&body).send().await
}

/// Returns the output of a command that another job runs on the node.
async fn on_the_node(cloud: &Cloud, job: &str, command: &str) -> String {
    cloud.job(job).await;
    cloud.script(job, "task", command).await;
    cloud.completed(job, "task").await;
    cloud.get(&format!("/jobs/{job}/tasks/task/files/stdout.txt")).await.expect(200).text
}

#[tokio::test]
async fn a_node_is_prepared_once_before_the_first_task_of_the_job() {
    let cloud = Cloud::start().await;
    let prepare = format!("echo prepared | tee -a {SHARED}/log > made");
    cloud.job_with("job", preparation(&prepare, json!({}))).await;
    let read = format!("cat {SHARED}/log $AZ_BATCH_JOB_PREP_WORKING_DIR/made");
    for id in ["one", "two"] {
        cloud.script("job", id, &read).await;
        assert_eq!(cloud.completed("job", id).await["executionInfo"]["exitCode"], 0);
        let path = format!("/jobs/job/tasks/{id}/files/stdout.txt");
        assert_eq!(cloud.get(&path).await.text, "prepared\nprepared\n");
    }
    let shown = status(&cloud).await;
    let info = &shown["jobPreparationTaskExecutionInfo"];
    assert_eq!((&info["state"], &info["exitCode"]), (&json!("completed"), &json!(0)));
    assert_eq!(info["taskRootDirectory"], "workitems/job/job-1/jobpreparation");
    assert_eq!(shown["jobReleaseTaskExecutionInfo"], Value::Null);
    let job = cloud.get("/jobs/job").await.body;
    assert_eq!(job["jobPreparationTask"]["id"], "jobpreparation");
    assert_eq!(job["jobPreparationTask"]["waitForSuccess"], true);
}

#[tokio::test]
async fn a_task_is_preparing_until_the_node_is_prepared() {
    let cloud = Cloud::start().await;
    let wait = format!("while [ ! -e {SHARED}/go ]; do sleep 0.05; done");
    cloud.job_with("job", preparation(&wait, json!({}))).await;
    cloud.script("job", "task", "true").await;
    cloud.task_in_state("job", "task", "preparing").await;
    // A task is preparing as soon as it has a node.
    preparation_has(&cloud, "state", json!("running")).await;
    assert_eq!(cloud.get("/jobs/job/tasks/task").await.body["state"], "preparing");
    on_the_node(&cloud, "other", &format!("touch {SHARED}/go")).await;
    cloud.completed("job", "task").await;
}

#[tokio::test]
async fn a_task_can_be_ended_while_its_node_is_prepared() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", preparation("sleep 600", json!({}))).await;
    cloud.script("job", "task", &format!("touch {SHARED}/ran")).await;
    cloud.task_in_state("job", "task", "preparing").await;
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    let task = cloud.completed("job", "task").await;
    assert_eq!(task["executionInfo"]["failureInfo"]["code"], "TaskEnded");
    assert_eq!(on_the_node(&cloud, "other", &format!("ls {SHARED}")).await, "");
}

#[tokio::test]
async fn a_preparation_that_fails_is_tried_again_as_often_as_allowed() {
    let cloud = Cloud::start().await;
    let second = format!("echo >> {SHARED}/tries; test $(wc -l < {SHARED}/tries) = 2");
    let retry = json!({"constraints": {"maxTaskRetryCount": 1}});
    cloud.job_with("job", preparation(&second, retry)).await;
    cloud.script("job", "task", "true").await;
    cloud.completed("job", "task").await;
    let info = &status(&cloud).await["jobPreparationTaskExecutionInfo"];
    assert_eq!((&info["retryCount"], &info["exitCode"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn a_node_whose_preparation_failed_takes_no_task_of_the_job() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", preparation("exit 3", json!({}))).await;
    cloud.script("job", "task", "true").await;
    preparation_has(&cloud, "exitCode", json!(3)).await;
    cloud.run("true").await;
    let task = cloud.task_in_state("job", "task", "active").await;
    assert_eq!(task["executionInfo"]["retryCount"], 0);
    assert_eq!(task["executionInfo"]["requeueCount"], 0);
}

#[tokio::test]
async fn a_task_runs_on_another_node_where_the_preparation_did_not_fail() {
    let first = tempfile::tempdir().unwrap();
    let cloud = Cloud::start_with(|settings| {
        settings.isolation = Isolation::None;
        settings.pools = vec!["pool:nodes=2".parse().unwrap()];
    })
    .await;
    let fail_once = format!("mkdir {}/taken && exit 1; exit 0", first.path().display());
    cloud.job_with("job", preparation(&fail_once, json!({}))).await;
    cloud.script("job", "task", "true").await;
    let task = cloud.completed("job", "task").await;
    let list = cloud.get("/jobs/job/jobpreparationandreleasetaskstatus").await.expect(200).body;
    let on = |code: i32| {
        let mut nodes = list["value"].as_array().unwrap().iter();
        let found = nodes.find(|one| one["jobPreparationTaskExecutionInfo"]["exitCode"] == code);
        found.unwrap()["nodeId"].clone()
    };
    assert_eq!(on(0), task["nodeInfo"]["nodeId"]);
    assert_ne!(on(1), task["nodeInfo"]["nodeId"]);
}

#[tokio::test]
async fn a_job_need_not_wait_for_its_preparation() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", preparation("exit 3", json!({"waitForSuccess": false}))).await;
    for id in ["one", "two"] {
        cloud.script("job", id, "true").await;
        assert_eq!(cloud.completed("job", id).await["executionInfo"]["exitCode"], 0);
    }
}

#[tokio::test]
async fn a_node_that_was_started_again_is_prepared_again_if_the_job_says_so() {
    for (again, count) in [(true, "2\n"), (false, "1\n")] {
        let cloud = Cloud::start().await;
        let extra = json!({"rerunOnNodeRebootAfterSuccess": again});
        cloud.job_with("job", preparation(&format!("echo x >> {SHARED}/log"), extra)).await;
        cloud.script("job", "before", "true").await;
        let node = cloud.completed("job", "before").await["nodeInfo"]["nodeId"].clone();
        let reboot = format!("/pools/pool/nodes/{}/reboot", node.as_str().unwrap());
        cloud.client.post(&reboot).send().await.expect(202);
        let state = format!("/pools/pool/nodes/{}", node.as_str().unwrap());
        until("the node is back", || async {
            (cloud.get(&state).await.body["state"] == "idle").then_some(())
        })
        .await;
        cloud.script("job", "after", &format!("wc -l < {SHARED}/log")).await;
        cloud.completed("job", "after").await;
        assert_eq!(cloud.get("/jobs/job/tasks/after/files/stdout.txt").await.text, count);
    }
}

#[tokio::test]
async fn a_disabled_job_prepares_anew_what_it_did_not_finish() {
    let cloud = Cloud::start().await;
    let wait = format!("echo try >> {SHARED}/log; while [ ! -e {SHARED}/go ]; do sleep 0.05; done");
    cloud.job_with("job", preparation(&wait, json!({}))).await;
    cloud.script("job", "task", &format!("cat {SHARED}/log")).await;
    cloud.task_in_state("job", "task", "preparing").await;
    cloud.ask_job("job", "disable", json!({"disableTasks": "requeue"})).await.expect(202);
    cloud.job_in_state("job", "disabled").await;
    on_the_node(&cloud, "other", &format!("touch {SHARED}/go")).await;
    cloud.client.post("/jobs/job/enable").send().await.expect(202);
    cloud.completed("job", "task").await;
    let log = cloud.get("/jobs/job/tasks/task/files/stdout.txt").await.text;
    assert!(log.starts_with("try\n") && log.len() <= 8, "{log}");
    assert_eq!(status(&cloud).await["jobPreparationTaskExecutionInfo"]["result"], "success");
}

#[tokio::test]
async fn a_job_is_terminating_until_its_release_tasks_have_ended() {
    let cloud = Cloud::start().await;
    let wait = format!("while [ ! -e {SHARED}/go ]; do sleep 0.05; done; exit 4");
    let mut tasks = preparation("true", json!({}));
    tasks["jobReleaseTask"] = script(&wait, json!({"id": "release"}));
    cloud.job_with("job", tasks).await;
    cloud.script("job", "task", "true").await;
    cloud.completed("job", "task").await;
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    until("the release task runs", || async {
        let info = status(&cloud).await["jobReleaseTaskExecutionInfo"].clone();
        (info["state"] == "running").then_some(())
    })
    .await;
    cloud.run("true").await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "terminating");
    on_the_node(&cloud, "other", &format!("touch {SHARED}/go")).await;
    cloud.job_in_state("job", "completed").await;
    let info = status(&cloud).await["jobReleaseTaskExecutionInfo"].clone();
    assert_eq!((&info["exitCode"], &info["result"]), (&json!(4), &json!("failure")));
    assert_eq!(info["taskRootDirectory"], "workitems/job/job-1/release");
}

#[tokio::test]
async fn deleting_an_active_job_releases_its_nodes_and_leaves_no_file() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_owned();
    let cloud = Cloud::start_with(|settings| settings.node_root = Some(path)).await;
    let mut tasks = preparation("true", json!({}));
    tasks["jobReleaseTask"] = script(&format!("touch {SHARED}/released"), json!({}));
    cloud.job_with("job", tasks).await;
    cloud.script("job", "task", "true").await;
    cloud.completed("job", "task").await;
    cloud.client.delete("/jobs/job").send().await.expect(202);
    until("the job is gone", || async {
        (cloud.get("/jobs/job").await.status == 404).then_some(())
    })
    .await;
    let node = std::fs::read_dir(root.path()).unwrap().flatten().next().unwrap().path();
    assert_eq!(std::fs::read_dir(node.join("workitems")).unwrap().count(), 0);
    assert_eq!(on_the_node(&cloud, "other", &format!("ls {SHARED}")).await, "released\n");
}

#[tokio::test]
async fn a_node_that_was_not_prepared_is_not_released() {
    let cloud = Cloud::start().await;
    let mut tasks = preparation("true", json!({}));
    tasks["jobReleaseTask"] = script(&format!("touch {SHARED}/released"), json!({}));
    cloud.job_with("job", tasks).await;
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    cloud.job_in_state("job", "completed").await;
    assert_eq!(on_the_node(&cloud, "other", &format!("ls {SHARED}")).await, "");
}

#[tokio::test]
async fn the_ids_of_preparation_and_release_are_no_ids_of_tasks() {
    let cloud = Cloud::start().await;
    let mut tasks = preparation("true", json!({"id": "first"}));
    tasks["jobReleaseTask"] = script("true", json!({"id": "last"}));
    cloud.job_with("job", tasks).await;
    let cases =
        [("FIRST", "TaskIdSameAsJobPreparationTask"), ("last", "TaskIdSameAsJobReleaseTask")];
    for (id, code) in cases {
        let body = shell_task(id, "true");
        let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
        reply.expect_error(409, code);
    }
    cloud.job("plain").await;
    let reply = cloud.get("/jobs/plain/jobpreparationandreleasetaskstatus").await;
    reply.expect_error(409, "JobPreparationTaskOrReleaseTaskNotSpecified");
}

#[tokio::test]
async fn what_is_wrong_in_a_preparation_or_release_task_is_named() {
    let cloud = Cloud::start().await;
    let release = |extra: Value| {
        let mut tasks = preparation("true", json!({}));
        tasks["jobReleaseTask"] = script("true", extra);
        tasks
    };
    let alone = json!({"jobReleaseTask": script("true", json!({}))});
    let wrong = json!({"constraints": {"maxTaskRetryCount": -2}});
    let cases = [
        (alone, "jobReleaseTask"),
        (release(json!({"maxWallClockTime": "PT16M"})), "jobReleaseTask.maxWallClockTime"),
        (release(json!({"id": "jobPreparation"})), "jobReleaseTask.id"),
        (preparation("true", wrong), "jobPreparationTask.constraints.maxTaskRetryCount"),
        (preparation("true", json!({"id": "a b"})), "jobPreparationTask.id"),
    ];
    for (tasks, property) in cases {
        let refused = create_job(&cloud, tasks).await.expect_error(400, "InvalidPropertyValue");
        assert_eq!(refused.value("PropertyName"), property);
    }
}
