//! Statistics of tasks, jobs and job schedules.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{Cloud, shell_task, until};

/// Makes 20,000 reads and writes, and is there until that was measured.
const WORK: &str = "dd if=/dev/zero of=/dev/null bs=1 count=20000 2>/dev/null; sleep 0.5";
/// Computes for a while, and is there until that was measured.
const COMPUTE: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 0.5";

/// Returns a resource with statistics.
async fn expanded(cloud: &Cloud, path: &str) -> Value {
    cloud.client.get(path).query("$expand", "stats").send().await.expect(200).body
}

async fn stats(cloud: &Cloud, path: &str) -> Value {
    expanded(cloud, path).await["stats"].clone()
}

/// Returns the seconds of a duration of less than an hour.
fn seconds(duration: &Value) -> f64 {
    let text = duration.as_str().unwrap().strip_prefix("PT").unwrap();
    let (minutes, seconds) = text.split_once('M').unwrap_or(("0", text));
    let seconds = seconds.strip_suffix('S').unwrap_or("0");
    60.0 * minutes.parse::<f64>().unwrap() + seconds.parse::<f64>().unwrap()
}

fn number(text: &Value) -> u64 {
    text.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_task_has_the_cpu_time_of_its_processes() {
    let cloud = Cloud::start().await;
    cloud.run_with(&format!("/bin/sh -c '{COMPUTE}'"), json!({})).await;
    let stats = stats(&cloud, "/jobs/run/tasks/task").await;
    let (user, wall) = (seconds(&stats["userCPUTime"]), seconds(&stats["wallClockTime"]));
    assert!(user >= 0.1 && user <= wall, "{stats}");
    assert!(seconds(&stats["kernelCPUTime"]) < user, "{stats}");
    assert!(wall >= 0.6, "{stats}");
    assert!(stats["url"].as_str().unwrap().ends_with("/jobs/run/tasks/task/stats"));
    assert_eq!(stats["numSucceededTasks"], Value::Null);
}

#[tokio::test]
async fn a_task_has_the_reads_and_writes_of_its_processes() {
    let cloud = Cloud::start().await;
    cloud.run(WORK).await;
    let stats = stats(&cloud, "/jobs/run/tasks/task").await;
    for name in ["readIOps", "writeIOps"] {
        assert!((20_000..40_000).contains(&number(&stats[name])), "{stats}");
    }
    for name in ["readIOGiB", "writeIOGiB"] {
        assert!(stats[name].is_f64(), "{stats}");
    }
}

#[tokio::test]
async fn the_statistics_of_a_running_task_grow() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.script("job", "task", "while true; do :; done").await;
    cloud.task_in_state("job", "task", "running").await;
    let path = "/jobs/job/tasks/task";
    let user = |stats: &Value| seconds(&stats["userCPUTime"]);
    let first = until("CPU time of a running task", || async {
        let stats = stats(&cloud, path).await;
        (user(&stats) > 0.0).then_some(stats)
    })
    .await;
    let second = until("more CPU time", || async {
        let stats = stats(&cloud, path).await;
        (user(&stats) > user(&first)).then_some(stats)
    })
    .await;
    assert!(seconds(&second["wallClockTime"]) > seconds(&first["wallClockTime"]));
    cloud.client.post(&format!("{path}/terminate")).send().await.expect(204);
    cloud.completed("job", "task").await;
    let ended = stats(&cloud, path).await;
    assert!(user(&ended) >= user(&second), "{ended}");
}

#[tokio::test]
async fn the_statistics_of_a_task_include_all_its_runs() {
    let cloud = Cloud::start().await;
    cloud.run_with("sleep 0.3; exit 1", json!({"constraints": {"maxTaskRetryCount": 2}})).await;
    let task = stats(&cloud, "/jobs/run/tasks/task").await;
    assert!(seconds(&task["wallClockTime"]) >= 0.9, "{task}");
    let job = stats(&cloud, "/jobs/run").await;
    let counts = ["numSucceededTasks", "numFailedTasks", "numTaskRetries"];
    assert_eq!(counts.map(|name| number(&job[name])), [0, 1, 2]);
}

#[tokio::test]
async fn a_task_that_has_not_started_has_only_waited() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"poolInfo": {"poolId": "none"}})).await;
    cloud.script("job", "task", "true").await;
    sleep(Duration::from_millis(200)).await;
    let stats = stats(&cloud, "/jobs/job/tasks/task").await;
    assert!(seconds(&stats["waitTime"]) >= 0.2, "{stats}");
    assert_eq!((&stats["wallClockTime"], &stats["readIOps"]), (&json!("PT0S"), &json!("0")));
}

#[tokio::test]
async fn the_statistics_of_a_job_are_those_of_its_tasks_also_of_deleted_ones() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    for id in ["one", "two"] {
        cloud.script("job", id, WORK).await;
        cloud.completed("job", id).await;
    }
    let one = stats(&cloud, "/jobs/job/tasks/one").await;
    let two = stats(&cloud, "/jobs/job/tasks/two").await;
    cloud.client.delete("/jobs/job/tasks/one").send().await.expect(200);
    let job = stats(&cloud, "/jobs/job").await;
    assert_eq!(number(&job["numSucceededTasks"]), 2);
    assert_eq!(number(&job["readIOps"]), number(&one["readIOps"]) + number(&two["readIOps"]));
    let wall = |stats: &Value| seconds(&stats["wallClockTime"]);
    assert!((wall(&job) - wall(&one) - wall(&two)).abs() < 0.001, "{job}");
}

#[tokio::test]
async fn the_statistics_of_a_schedule_are_those_of_its_jobs_also_of_deleted_ones() {
    let cloud = Cloud::start_with(|settings| settings.schedule_minimum = Duration::ZERO).await;
    let schedule = json!({
        "id": "s",
        "schedule": {"recurrenceInterval": "PT1S"},
        "jobSpecification": {
            "poolInfo": {"poolId": "pool"},
            "jobManagerTask": shell_task("manager", "true"),
        },
    });
    cloud.client.post("/jobschedules").json(&schedule).send().await.expect(201);
    cloud.job_in_state("s:job-1", "completed").await;
    cloud.client.delete("/jobs/s:job-1").send().await.expect(202);
    cloud.gone("s:job-1").await;
    until("the statistics of two jobs", || async {
        let stats = stats(&cloud, "/jobschedules/s").await;
        (number(&stats["numSucceededTasks"]) >= 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn statistics_come_late_if_they_are_to() {
    let delay = Duration::from_millis(1_000);
    let cloud = Cloud::start_with(|settings| settings.stats_delay = delay).await;
    let ended = cloud.run("true").await;
    for path in ["/jobs/run/tasks/task", "/jobs/run"] {
        assert_eq!(stats(&cloud, path).await, Value::Null);
    }
    let task = until("the statistics of the task", || async {
        let task = expanded(&cloud, "/jobs/run/tasks/task").await;
        task["stats"].is_object().then_some(task)
    })
    .await;
    assert!(task["stats"]["lastUpdateTime"].as_str() >= ended["executionInfo"]["endTime"].as_str());
    assert_eq!(number(&stats(&cloud, "/jobs/run").await["numSucceededTasks"]), 1);
}

#[tokio::test]
async fn statistics_are_shown_only_where_they_are_asked_for() {
    let cloud = Cloud::start().await;
    cloud.run("true").await;
    let lists = ["/jobs", "/jobs/run/tasks"];
    for path in ["/jobs/run", "/jobs/run/tasks/task"] {
        assert_eq!(cloud.get(path).await.expect(200).body["stats"], Value::Null);
        let selected =
            cloud.client.get(path).query("$expand", "stats").query("$select", "id,stats");
        let selected = selected.send().await.expect(200).body;
        assert!(selected["stats"].is_object() && selected["url"].is_null(), "{selected}");
        let others = cloud.client.get(path).query("$expand", "stats").query("$select", "id");
        assert_eq!(others.send().await.expect(200).body["stats"], Value::Null);
    }
    for path in lists {
        assert_eq!(cloud.get(path).await.body["value"][0]["stats"], Value::Null);
        assert!(expanded(&cloud, path).await["value"][0]["stats"].is_object());
    }
    let wrong = cloud.client.get("/jobs/run").query("$expand", "tasks").send().await;
    wrong.expect_error(400, "InvalidQueryParameterValue");
}
