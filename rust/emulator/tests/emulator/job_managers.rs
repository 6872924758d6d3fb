//! Job manager tasks, and the tokens of tasks.

use azure_batch_emulator::Isolation;
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::{Cloud, merged, shell_task, until};

/// Adds two tasks to the job with the token of the task, and waits until both are completed.
const ADD_TASKS: &str = r#"
import json, os, time, urllib.request

def ask(method, path, body=None):
    url = os.environ["AZ_BATCH_ACCOUNT_URL"] + "/jobs/" + os.environ["AZ_BATCH_JOB_ID"] + path
    headers = {
        "Authorization": "Bearer " + os.environ["AZ_BATCH_AUTHENTICATION_TOKEN"],
        "Content-Type": "application/json; odata=minimalmetadata",
    }
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url + "?api-version=2024-07-01.20.0", data, headers, method=method)
    return urllib.request.urlopen(request)

for id in ["one", "two"]:
    print(ask("POST", "/tasks", {"id": id, "commandLine": "echo " + id}).status)
while json.load(ask("GET", "/taskcounts"))["taskCounts"]["completed"] < 2:
    time.sleep(0.1)
"#;

/// Returns the properties of a job with a job manager task that runs a script.
fn manager(script: &str, extra: Value) -> Value {
    json!({"jobManagerTask": merged(shell_task("manager", script), extra)})
}

fn token() -> Value {
    json!({"authenticationTokenSettings": {"access": ["job"]}})
}

async fn create(cloud: &Cloud, extra: Value) -> Reply {
    let body = merged(json!({"id": "job", "poolInfo": {"poolId": "pool"}}), extra);
    cloud.client.post("/jobs").json(&body).send().await
}

async fn job_has_run(cloud: &Cloud) -> Value {
    cloud.job_in_state("job", "completed").await["executionInfo"].clone()
}

#[tokio::test]
async fn a_job_manager_task_starts_with_the_job_and_ends_it() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", manager("echo managed", json!({}))).await;
    assert_eq!(job_has_run(&cloud).await["terminateReason"], "JMComplete");
    let list = cloud.get("/jobs/job/tasks").await.expect(200);
    assert_eq!(list.ids("id"), ["manager"]);
    assert_eq!(cloud.get("/jobs/job/tasks/manager/files/stdout.txt").await.text, "managed\n");
}

#[tokio::test]
async fn a_job_manager_task_that_failed_ends_its_job_once_it_is_not_tried_again() {
    let cloud = Cloud::start().await;
    let retry = json!({"constraints": {"maxTaskRetryCount": 1}});
    cloud.job_with("job", manager("exit 3", retry)).await;
    assert_eq!(job_has_run(&cloud).await["terminateReason"], "JMComplete");
    let task = cloud.completed("job", "manager").await;
    assert_eq!(task["executionInfo"]["retryCount"], 1);
}

#[tokio::test]
async fn the_tasks_that_still_run_are_ended_with_the_job_manager_task() {
    let cloud = Cloud::start_with(|settings| {
        settings.pools = vec!["pool:nodes=2".parse().unwrap()];
    })
    .await;
    let wait = "while [ ! -e $AZ_BATCH_TASK_WORKING_DIR/go ]; do sleep 0.05; done";
    cloud.job_with("job", manager(wait, json!({}))).await;
    cloud.script("job", "other", "sleep 600").await;
    cloud.task_in_state("job", "other", "running").await;
    cloud.client.post("/jobs/job/tasks/manager/terminate").send().await.expect(204);
    job_has_run(&cloud).await;
    let other = cloud.completed("job", "other").await;
    assert_eq!(other["executionInfo"]["failureInfo"]["code"], "TaskEnded");
}

#[tokio::test]
async fn a_job_can_outlive_its_job_manager_task() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", manager("true", json!({"killJobOnCompletion": false}))).await;
    cloud.completed("job", "manager").await;
    cloud.script("job", "other", "true").await;
    cloud.completed("job", "other").await;
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "active");
}

#[tokio::test]
async fn a_job_manager_task_is_shown_with_its_defaults() {
    let cloud = Cloud::start().await;
    let constraints = json!({"maxTaskRetryCount": 2});
    let mut job = manager("sleep 600", json!({}));
    job["constraints"] = constraints;
    cloud.job_with("job", job).await;
    let shown = cloud.get("/jobs/job").await.body["jobManagerTask"].clone();
    for name in ["killJobOnCompletion", "runExclusive", "allowLowPriorityNode"] {
        assert_eq!(shown[name], true, "{shown}");
    }
    assert_eq!(shown["requiredSlots"], 1);
    assert_eq!(shown["constraints"]["maxTaskRetryCount"], 2);
    assert_eq!(shown["constraints"]["retentionTime"], "P7D");
    let user = json!({"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}});
    assert_eq!(shown["userIdentity"], user);
}

#[tokio::test]
async fn no_task_runs_beside_an_exclusive_job_manager_task() {
    for exclusive in [true, false] {
        let cloud = Cloud::start().await;
        let extra = json!({"runExclusive": exclusive, "killJobOnCompletion": false});
        cloud.job_with("job", manager("sleep 600", extra)).await;
        cloud.task_in_state("job", "manager", "running").await;
        cloud.script("job", "other", "true").await;
        match exclusive {
            false => drop(cloud.completed("job", "other").await),
            true => {
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                assert_eq!(cloud.get("/jobs/job/tasks/other").await.body["state"], "active");
                let nodes = cloud.get("/pools/pool/nodes").await.body["value"].clone();
                assert_eq!(nodes[0]["runningTaskSlotsCount"], 1);
                cloud.client.post("/jobs/job/tasks/manager/terminate").send().await.expect(204);
                cloud.completed("job", "other").await;
            }
        }
    }
}

#[tokio::test]
async fn an_exclusive_job_manager_task_waits_for_a_node_without_tasks() {
    let cloud = Cloud::start().await;
    cloud.job("first").await;
    cloud.script("first", "busy", "sleep 600").await;
    cloud.task_in_state("first", "busy", "running").await;
    cloud.job_with("job", manager("true", json!({}))).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(cloud.get("/jobs/job/tasks/manager").await.body["state"], "active");
    cloud.client.post("/jobs/first/tasks/busy/terminate").send().await.expect(204);
    job_has_run(&cloud).await;
}

#[tokio::test]
async fn a_job_manager_task_runs_on_a_low_priority_node_only_if_it_may() {
    let cloud = Cloud::start_with(|settings| {
        settings.pools = vec!["pool:nodes=0,low-priority=1".parse().unwrap()];
    })
    .await;
    cloud.job_with("job", manager("true", json!({}))).await;
    job_has_run(&cloud).await;
    let dedicated = json!({"allowLowPriorityNode": false});
    cloud.job_with("other", manager("true", dedicated)).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(cloud.get("/jobs/other/tasks/manager").await.body["state"], "active");
    let sizes = json!({"targetDedicatedNodes": 1});
    cloud.client.post("/pools/pool/resize").json(&sizes).send().await.expect(202);
    cloud.job_in_state("other", "completed").await;
}

#[tokio::test]
async fn a_job_manager_task_runs_before_the_other_tasks_of_its_job() {
    let cloud = Cloud::start_with(|settings| {
        settings.isolation = Isolation::None;
        settings.pools = vec!["pool:nodes=1,slots=1".parse().unwrap()];
    })
    .await;
    cloud.job("first").await;
    cloud.script("first", "busy", "sleep 600").await;
    cloud.task_in_state("first", "busy", "running").await;
    let extra = json!({"killJobOnCompletion": false, "id": "z"});
    cloud.job_with("job", manager("true", extra)).await;
    cloud.script("job", "a", "true").await;
    cloud.client.post("/jobs/first/tasks/busy/terminate").send().await.expect(204);
    let started = |task: Value| task["executionInfo"]["startTime"].as_str().unwrap().to_owned();
    let other = started(cloud.completed("job", "a").await);
    assert!(started(cloud.completed("job", "z").await) < other);
}

#[tokio::test]
async fn the_id_of_a_job_manager_task_is_taken() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", manager("sleep 600", json!({}))).await;
    let body = shell_task("MANAGER", "true");
    let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
    reply.expect_error(409, "TaskExists");
}

#[tokio::test]
async fn what_is_wrong_in_a_job_manager_task_is_named() {
    let cloud = Cloud::start().await;
    let preparation = json!({"id": "Manager", "commandLine": "true"});
    let cases = [
        (manager("true", json!({"id": "a b"})), "jobManagerTask.id"),
        (
            manager("true", json!({"constraints": {"maxTaskRetryCount": -2}})),
            "jobManagerTask.constraints.maxTaskRetryCount",
        ),
        (manager("true", json!({"requiredSlots": 99})), "jobManagerTask.requiredSlots"),
        (
            merged(manager("true", json!({})), json!({"jobPreparationTask": preparation})),
            "jobManagerTask.id",
        ),
    ];
    for (job, property) in cases {
        let refused = create(&cloud, job).await.expect_error(400, "InvalidPropertyValue");
        assert_eq!(refused.value("PropertyName"), property);
    }
    let packages = json!({"applicationPackageReferences": [{"applicationId": "a"}]});
    let refused = create(&cloud, manager("true", packages)).await;
    let refused = refused.expect_error(400, "UnsupportedProperty");
    assert_eq!(refused.value("PropertyName"), "jobManagerTask.applicationPackageReferences");
}

#[tokio::test]
async fn a_job_manager_task_adds_the_tasks_of_its_job_with_its_token() {
    let cloud = Cloud::start_with(|settings| {
        settings.pools = vec!["pool:nodes=2,containers=no".parse().unwrap()];
    })
    .await;
    let script = format!("python3 -c '{ADD_TASKS}'");
    let mut task = merged(shell_task("manager", &script), token());
    task.as_object_mut().unwrap().remove("containerSettings");
    cloud.job_with("job", json!({"jobManagerTask": task})).await;
    assert_eq!(job_has_run(&cloud).await["terminateReason"], "JMComplete");
    let output = cloud.get("/jobs/job/tasks/manager/files/stdout.txt").await.expect(200).text;
    assert_eq!(output, "201\n201\n");
    let list = cloud.get("/jobs/job/tasks").await.expect(200);
    assert_eq!(list.ids("id"), ["manager", "one", "two"]);
    assert_eq!(cloud.get("/jobs/job/tasks/two/files/stdout.txt").await.text, "two\n");
}

/// Runs a task with a token that writes it to a file and waits. Returns the token.
async fn token_of_a_running_task(cloud: &Cloud) -> String {
    let write = "printf $AZ_BATCH_AUTHENTICATION_TOKEN > token; echo up; sleep 600";
    cloud.script_with("job", "task", write, token()).await;
    cloud.wait_for_output("job", "task", "up").await;
    cloud.get("/jobs/job/tasks/task/files/wd/token").await.expect(200).text
}

async fn with_token(cloud: &Cloud, token: &str, path: &str) -> Reply {
    cloud.client.get(path).send_as(&format!("Bearer {token}"), "").await
}

#[tokio::test]
async fn a_token_is_good_for_the_job_of_its_task_and_for_nothing_else() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.job("other").await;
    let token = token_of_a_running_task(&cloud).await;
    assert!(token.len() >= 32, "{token}");
    for path in ["/jobs/job", "/jobs/JOB/tasks", "/jobs/job/tasks/task/files/stdout.txt"] {
        with_token(&cloud, &token, path).await.expect(200);
    }
    for path in ["/jobs", "/jobs/other", "/pools", "/pools/pool", "/nothing", "/jobs/job/../other"]
    {
        with_token(&cloud, &token, path).await.expect_error(403, "AuthenticationFailed");
    }
    let wrong = with_token(&cloud, "wrong", "/jobs/job").await;
    wrong.expect_error(403, "AuthenticationFailed");
}

#[tokio::test]
async fn a_token_ends_with_its_task() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let token = token_of_a_running_task(&cloud).await;
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    cloud.completed("job", "task").await;
    until("the token is refused", || async {
        (with_token(&cloud, &token, "/jobs/job").await.status == 403).then_some(())
    })
    .await;
}

#[tokio::test]
async fn only_a_task_that_asked_for_a_token_has_one() {
    let cloud = Cloud::start().await;
    cloud.run_with("echo $AZ_BATCH_AUTHENTICATION_TOKEN", json!({})).await;
    assert_eq!(cloud.output("stdout.txt").await, "\n");
}
