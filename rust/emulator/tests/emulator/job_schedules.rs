//! Job schedules.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::sleep;

use crate::support::client::Reply;
use crate::support::{Cloud, merged, shell_task, until};

/// Starts an emulator whose schedules may recur as often as a test wants.
async fn start() -> Cloud {
    Cloud::start_with(|settings| settings.schedule_minimum = Duration::ZERO).await
}

fn body(id: &str, schedule: Value, job: Value) -> Value {
    let specification = merged(json!({"poolInfo": {"poolId": "pool"}}), job);
    json!({"id": id, "schedule": schedule, "jobSpecification": specification})
}

async fn try_create(cloud: &Cloud, body: &Value) -> Reply {
    cloud.client.post("/jobschedules").json(body).send().await
}

/// Creates the schedule `s`.
async fn create(cloud: &Cloud, schedule: Value, job: Value) {
    try_create(cloud, &body("s", schedule, job)).await.expect(201);
}

/// Returns a job specification with a job manager task that runs a script.
fn managed(script: &str) -> Value {
    json!({"jobManagerTask": shell_task("manager", script)})
}

async fn ask(cloud: &Cloud, operation: &str) -> Reply {
    cloud.client.post(&format!("/jobschedules/s/{operation}")).send().await
}

async fn get(cloud: &Cloud) -> Value {
    cloud.get("/jobschedules/s").await.expect(200).body
}

async fn in_state(cloud: &Cloud, state: &str) -> Value {
    until(&format!("the schedule is {state}"), || async {
        let schedule = get(cloud).await;
        (schedule["state"] == state).then_some(schedule)
    })
    .await
}

/// Returns the jobs of the schedule, the first one first.
async fn jobs(cloud: &Cloud) -> Vec<Value> {
    let list = cloud.get("/jobschedules/s/jobs").await.expect(200);
    let mut jobs = list.body["value"].as_array().unwrap().clone();
    jobs.sort_by_key(|job| job["id"].to_string());
    jobs
}

/// Returns the jobs of the schedule once there are so many.
async fn so_many_jobs(cloud: &Cloud, count: usize) -> Vec<Value> {
    until(&format!("{count} jobs"), || async {
        let jobs = jobs(cloud).await;
        (jobs.len() >= count).then_some(jobs)
    })
    .await
}

fn in_millis(millis: i64) -> String {
    let at = OffsetDateTime::now_utc() + time::Duration::milliseconds(millis);
    at.format(&Rfc3339).unwrap()
}

fn time_of(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

async fn terminate_job(cloud: &Cloud, id: &str) {
    cloud.client.post(&format!("/jobs/{id}/terminate")).send().await.expect(202);
}

#[tokio::test]
async fn a_schedule_without_times_creates_one_job_at_once_and_ends_with_it() {
    let cloud = start().await;
    let created = try_create(&cloud, &body("s", json!({}), json!({"priority": 7}))).await;
    let created = created.expect(201);
    assert!(created.header("location").ends_with("/jobschedules/s"));
    assert_eq!(created.header("dataserviceid"), created.header("location"));
    let schedule = get(&cloud).await;
    assert_eq!(schedule["state"], "active");
    assert_eq!(schedule["executionInfo"]["recentJob"]["id"], "s:job-1");
    let url = schedule["executionInfo"]["recentJob"]["url"].as_str().unwrap();
    assert!(url.ends_with("/jobs/s:job-1"), "{url}");
    assert_eq!(schedule["executionInfo"]["nextRunTime"], Value::Null);
    assert_eq!(cloud.get("/jobs/s:job-1").await.expect(200).body["priority"], 7);
    terminate_job(&cloud, "s:job-1").await;
    let ended = in_state(&cloud, "completed").await;
    assert_eq!(ended["executionInfo"]["endTime"], ended["stateTransitionTime"]);
    assert_eq!(ended["previousState"], "active");
    assert_eq!(jobs(&cloud).await.len(), 1);
}

#[tokio::test]
async fn a_schedule_is_shown_as_it_was_recorded() {
    let cloud = start().await;
    create(&cloud, json!({}), managed("sleep 600")).await;
    let schedule = get(&cloud).await;
    assert_eq!(schedule["schedule"], Value::Null);
    let job = &schedule["jobSpecification"];
    let defaults = [
        ("priority", json!(0)),
        ("maxParallelTasks", json!(-1)),
        ("allowTaskPreemption", json!(false)),
        ("usesTaskDependencies", json!(false)),
        ("onAllTasksComplete", json!("noaction")),
        ("onTaskFailure", json!("noaction")),
        ("id", Value::Null),
    ];
    for (name, value) in defaults {
        assert_eq!(job[name], value, "{name}");
    }
    assert_eq!(job["constraints"]["maxTaskRetryCount"], 0);
    assert_eq!(job["jobManagerTask"]["killJobOnCompletion"], true);
    assert_eq!(job["poolInfo"], json!({"poolId": "pool"}));
}

#[tokio::test]
async fn a_recurring_schedule_creates_a_job_after_each_interval() {
    let cloud = start().await;
    create(&cloud, json!({"recurrenceInterval": "PT0.6S"}), managed("true")).await;
    let schedule = get(&cloud).await;
    let next = time_of(&schedule["executionInfo"]["nextRunTime"]);
    let wait = next - time_of(&schedule["creationTime"]);
    assert_eq!(wait.whole_milliseconds() % 600, 0, "{wait}");
    let jobs = so_many_jobs(&cloud, 3).await;
    let ids: Vec<&str> = jobs.iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(ids[..3], ["s:job-1", "s:job-2", "s:job-3"]);
    for (job, count) in jobs.iter().zip(0..) {
        let late = time_of(&job["creationTime"]) - time_of(&schedule["creationTime"]);
        assert!(late.whole_milliseconds() >= count * 600, "{late}");
    }
    assert_eq!(jobs[0]["executionInfo"]["terminateReason"], "JMComplete");
}

#[tokio::test]
async fn a_schedule_has_at_most_one_active_job() {
    let cloud = start().await;
    create(&cloud, json!({"recurrenceInterval": "PT0.2S"}), json!({})).await;
    sleep(Duration::from_millis(700)).await;
    assert_eq!(jobs(&cloud).await.len(), 1);
    terminate_job(&cloud, "s:job-1").await;
    let jobs = so_many_jobs(&cloud, 2).await;
    assert_eq!(jobs[0]["state"], "completed");
    cloud.client.delete("/jobs/s:job-2").send().await.expect(202);
    until("the job after a deleted one", || async {
        (get(&cloud).await["executionInfo"]["recentJob"]["id"] == "s:job-3").then_some(())
    })
    .await;
}

#[tokio::test]
async fn no_job_is_created_before_its_time() {
    let cloud = start().await;
    let until_then = in_millis(1_000);
    create(&cloud, json!({"doNotRunUntil": until_then}), json!({})).await;
    let schedule = get(&cloud).await;
    assert_eq!(schedule["executionInfo"]["recentJob"], Value::Null);
    assert_eq!(schedule["executionInfo"]["nextRunTime"], schedule["schedule"]["doNotRunUntil"]);
    assert!(jobs(&cloud).await.is_empty());
    let job = so_many_jobs(&cloud, 1).await[0].clone();
    let until_then = OffsetDateTime::parse(&until_then, &Rfc3339).unwrap();
    assert!(time_of(&job["creationTime"]) >= until_then);
}

#[tokio::test]
async fn a_recurring_schedule_ends_after_its_last_time() {
    let cloud = start().await;
    let times = json!({"recurrenceInterval": "PT0.4S", "doNotRunAfter": in_millis(1_000)});
    create(&cloud, times, managed("true")).await;
    let ended = in_state(&cloud, "completed").await;
    assert!(time_of(&ended["stateTransitionTime"]) >= time_of(&ended["schedule"]["doNotRunAfter"]));
    let after = time_of(&ended["schedule"]["doNotRunAfter"]);
    let jobs = jobs(&cloud).await;
    assert!(!jobs.is_empty() && jobs.iter().all(|job| time_of(&job["creationTime"]) < after));
}

#[tokio::test]
async fn a_time_whose_window_has_passed_is_lost() {
    let cloud = start().await;
    let times = json!({"doNotRunUntil": in_millis(1_000), "startWindow": "PT0.2S"});
    create(&cloud, times, json!({})).await;
    ask(&cloud, "disable").await.expect(204);
    sleep(Duration::from_millis(1_500)).await;
    ask(&cloud, "enable").await.expect(204);
    in_state(&cloud, "completed").await;
    assert!(jobs(&cloud).await.is_empty());
}

#[tokio::test]
async fn a_disabled_schedule_creates_no_jobs_and_its_active_one_goes_on() {
    let cloud = start().await;
    create(&cloud, json!({"recurrenceInterval": "PT0.3S"}), json!({})).await;
    let reply = ask(&cloud, "disable").await.expect(204);
    assert!(reply.header("dataserviceid").ends_with("/jobschedules/s/disable"));
    let disabled = get(&cloud).await;
    assert_eq!(
        (&disabled["state"], &disabled["previousState"]),
        (&json!("disabled"), &json!("active"))
    );
    assert_eq!(disabled["eTag"], reply.header("etag"));
    assert!(disabled["executionInfo"]["nextRunTime"].is_string());
    assert_eq!(cloud.get("/jobs/s:job-1").await.body["state"], "active");
    ask(&cloud, "disable").await.expect_error(409, "JobScheduleDisabled");
    terminate_job(&cloud, "s:job-1").await;
    cloud.job_in_state("s:job-1", "completed").await;
    sleep(Duration::from_millis(600)).await;
    assert_eq!(jobs(&cloud).await.len(), 1);
    let reply = ask(&cloud, "enable").await.expect(204);
    assert!(reply.header("dataserviceid").ends_with("/jobschedules/s/enable"));
    assert_eq!(get(&cloud).await["previousState"], "disabled");
    so_many_jobs(&cloud, 2).await;
}

#[tokio::test]
async fn a_schedule_is_terminated_with_its_active_job() {
    let cloud = start().await;
    create(&cloud, json!({"recurrenceInterval": "PT10M"}), managed("sleep 600")).await;
    cloud.task_in_state("s:job-1", "manager", "running").await;
    let reply = ask(&cloud, "terminate").await.expect(202);
    assert!(reply.header("dataserviceid").ends_with("/jobschedules/s/terminate"));
    let terminating = get(&cloud).await;
    assert_eq!(terminating["state"], "terminating");
    assert_eq!(terminating["executionInfo"]["nextRunTime"], Value::Null);
    for operation in ["terminate", "disable", "enable"] {
        ask(&cloud, operation).await.expect_error(409, "JobScheduleBeingTerminated");
    }
    let ended = in_state(&cloud, "completed").await;
    assert_eq!((&ended["previousState"], &ended["eTag"]), (&json!("active"), &terminating["eTag"]));
    let job = cloud.get("/jobs/s:job-1").await.body;
    assert_eq!(job["executionInfo"]["terminateReason"], "TerminateJobSchedule");
    ask(&cloud, "terminate").await.expect_error(409, "JobScheduleCompleted");
    let again = try_create(&cloud, &body("s", json!({}), json!({}))).await;
    again.expect_error(409, "JobScheduleCompleted");
}

#[tokio::test]
async fn a_schedule_is_deleted_with_its_jobs_and_their_files() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_owned();
    let cloud = Cloud::start_with(|settings| settings.node_root = Some(path)).await;
    create(&cloud, json!({}), json!({})).await;
    cloud.job("other").await;
    cloud.script("s:job-1", "task", "sleep 600").await;
    let task = cloud.task_in_state("s:job-1", "task", "running").await;
    assert_eq!(task["nodeInfo"]["taskRootDirectory"], "workitems/s/job-1/task");
    cloud.client.delete("/jobschedules/s").send().await.expect(202);
    assert_eq!(get(&cloud).await["state"], "deleting");
    let again = cloud.client.delete("/jobschedules/s").send().await;
    again.expect_error(409, "JobScheduleBeingDeleted");
    until("the schedule is gone", || async {
        (cloud.get("/jobschedules/s").await.status == 404).then_some(())
    })
    .await;
    cloud.get("/jobs/s:job-1").await.expect_error(404, "JobNotFound");
    cloud.get("/jobs/other").await.expect(200);
    let node = std::fs::read_dir(root.path()).unwrap().flatten().next().unwrap().path();
    assert_eq!(std::fs::read_dir(node.join("workitems")).unwrap().count(), 0);
    create(&cloud, json!({}), json!({})).await;
    cloud.get("/jobs/s:job-1").await.expect(200);
}

#[tokio::test]
async fn a_change_of_a_schedule_affects_only_later_jobs() {
    let cloud = start().await;
    let metadata = json!({"metadata": [{"name": "a", "value": "b"}]});
    let new = merged(body("s", json!({"recurrenceInterval": "PT0.2S"}), json!({})), metadata);
    try_create(&cloud, &new).await.expect(201);
    let update = json!({"jobSpecification": {"priority": 5, "poolInfo": {"poolId": "pool"}}});
    let reply = cloud.client.patch("/jobschedules/s").json(&update).send().await.expect(200);
    assert!(reply.header("dataserviceid").ends_with("/jobschedules/s"));
    assert_eq!(get(&cloud).await["eTag"], reply.header("etag"));
    assert_eq!(get(&cloud).await["metadata"], json!([{"name": "a", "value": "b"}]));
    assert_eq!(cloud.get("/jobs/s:job-1").await.body["priority"], 0);
    terminate_job(&cloud, "s:job-1").await;
    assert_eq!(so_many_jobs(&cloud, 2).await[1]["priority"], 5);
    let replacement = json!({"jobSpecification": {"poolInfo": {"poolId": "pool"}}});
    cloud.client.put("/jobschedules/s").json(&replacement).send().await.expect(200);
    let replaced = get(&cloud).await;
    assert_eq!((&replaced["metadata"], &replaced["schedule"]), (&Value::Null, &Value::Null));
    terminate_job(&cloud, "s:job-2").await;
    in_state(&cloud, "completed").await;
    assert_eq!(jobs(&cloud).await.len(), 2);
    let late = cloud.client.patch("/jobschedules/s").json(&update).send().await;
    late.expect_error(409, "JobScheduleCompleted");
}

#[tokio::test]
async fn a_change_is_made_only_to_the_version_that_it_names() {
    let cloud = start().await;
    create(&cloud, json!({}), json!({})).await;
    let head = cloud.client.head("/jobschedules/S").send().await.expect(200);
    let change = |etag: &str| {
        cloud.client.patch("/jobschedules/s").json(&json!({})).header("if-match", etag)
    };
    change(head.header("etag")).send().await.expect(200);
    change(head.header("etag")).send().await.expect_error(412, "ConditionNotMet");
    cloud.client.head("/jobschedules/none").send().await.expect(404);
    cloud.get("/jobschedules/none").await.expect_error(404, "JobScheduleNotFound");
    cloud.get("/jobschedules/none/jobs").await.expect_error(404, "JobScheduleNotFound");
}

#[tokio::test]
async fn schedules_are_listed_filtered_and_selected() {
    let cloud = start().await;
    for id in ["b", "A"] {
        try_create(&cloud, &body(id, json!({}), json!({}))).await.expect(201);
    }
    assert_eq!(cloud.get("/jobschedules").await.expect(200).ids("id"), ["A", "b"]);
    let filtered = cloud.client.get("/jobschedules").query("$filter", "id eq 'B'").send().await;
    assert_eq!(filtered.expect(200).ids("id"), ["b"]);
    let selected = cloud.client.get("/jobschedules/a").query("$select", "id,state").send().await;
    let selected = selected.expect(200).body;
    assert_eq!((&selected["state"], &selected["url"]), (&json!("active"), &Value::Null));
    let jobs = cloud.client.get("/jobschedules/a/jobs").query("$select", "id").send().await;
    assert_eq!(jobs.expect(200).body["value"], json!([{"id": "A:job-1"}]));
}

#[tokio::test]
async fn a_job_and_a_schedule_cannot_have_the_same_id() {
    let cloud = start().await;
    cloud.job("job").await;
    create(&cloud, json!({}), json!({})).await;
    let new = |id: &str| body(id, json!({}), json!({}));
    try_create(&cloud, &new("JOB")).await.expect_error(409, "JobWithSameIdExists");
    try_create(&cloud, &new("S")).await.expect_error(409, "JobScheduleExists");
    let job = json!({"id": "S", "poolInfo": {"poolId": "pool"}});
    let refused = cloud.client.post("/jobs").json(&job).send().await;
    refused.expect_error(409, "JobScheduleWithSameIdExists");
    let job = json!({"id": "s:job-2", "poolInfo": {"poolId": "pool"}});
    let refused = cloud.client.post("/jobs").json(&job).send().await;
    refused.expect_error(400, "InvalidPropertyValue");
}

#[tokio::test]
async fn a_schedule_counts_against_the_quota_and_its_job_does_not() {
    let cloud = Cloud::start_with(|settings| settings.job_quota = 2).await;
    create(&cloud, json!({}), json!({})).await;
    cloud.job("job").await;
    let full = try_create(&cloud, &body("t", json!({}), json!({}))).await;
    full.expect_error(409, "ActiveJobAndScheduleQuotaReached");
    ask(&cloud, "terminate").await.expect(202);
    in_state(&cloud, "completed").await;
    try_create(&cloud, &body("t", json!({}), json!({}))).await.expect(201);
}

#[tokio::test]
async fn what_is_wrong_in_a_schedule_is_named() {
    let cloud = Cloud::start().await;
    let backwards = json!({
        "doNotRunUntil": "2030-01-01T00:00:00Z",
        "doNotRunAfter": "2029-01-01T00:00:00Z",
    });
    let cases = [
        (body("a:b", json!({}), json!({})), "id"),
        (
            body("t", json!({"recurrenceInterval": "PT59S"}), json!({})),
            "schedule.recurrenceInterval",
        ),
        (body("t", json!({"startWindow": "PT59S"}), json!({})), "schedule.startWindow"),
        (body("t", json!({"startWindow": "soon"}), json!({})), "schedule.startWindow"),
        (body("t", backwards, json!({})), "schedule.doNotRunAfter"),
        (body("t", json!({}), json!({"priority": 1001})), "jobSpecification.priority"),
        (
            body("t", json!({}), json!({"jobManagerTask": {"id": "a b", "commandLine": "x"}})),
            "jobSpecification.jobManagerTask.id",
        ),
    ];
    for (wrong, property) in cases {
        let refused = try_create(&cloud, &wrong).await.expect_error(400, "InvalidPropertyValue");
        assert_eq!(refused.value("PropertyName"), property);
    }
    let late = json!({"doNotRunUntil": "tomorrow"});
    let refused = try_create(&cloud, &body("t", late, json!({}))).await;
    let refused = refused.expect_error(400, "InvalidRequestBody");
    assert_eq!(refused.value("PropertyName"), "schedule.doNotRunUntil");
    let minute = json!({"recurrenceInterval": "PT1M", "startWindow": "PT1M"});
    try_create(&cloud, &body("t", minute, json!({}))).await.expect(201);
}
