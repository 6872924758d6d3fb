//! What a client sees when the service is not consistent yet, and when it has too much to do.

use std::time::Duration;

use azure_batch_emulator::Consistency;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::support::{Cloud, until};

/// Longer than any read is late.
const LONG: Duration = Duration::from_secs(4);
/// Shorter than any read is late.
const MOMENT: Duration = Duration::from_millis(400);

async fn eventual() -> Cloud {
    Cloud::start_with(|settings| settings.consistency = Consistency::Eventual).await
}

/// Returns what is read right after something was created. A busy machine may be too slow for that, so it is tried with
/// one thing after the other.
async fn right_after<T>(mut create_and_read: impl AsyncFnMut(usize) -> T) -> T {
    for number in 0..20 {
        let start = Instant::now();
        let read = create_and_read(number).await;
        if start.elapsed() < MOMENT {
            return read;
        }
    }
    panic!("this machine is too busy to read anything right after its creation")
}

/// Returns the ids of a list once it has any.
async fn listed(cloud: &Cloud, path: &str) -> Vec<String> {
    until(&format!("{path} has an item"), || async {
        let ids = cloud.get(path).await.expect(200).ids("id");
        (!ids.is_empty()).then_some(ids)
    })
    .await
}

#[tokio::test]
async fn a_new_job_or_task_is_not_found_for_a_moment_but_can_be_changed() {
    let cloud = eventual().await;
    let (job, read) = right_after(async |number| {
        let job = format!("job{number}");
        cloud.job(&job).await;
        let changed = cloud.client.patch(&format!("/jobs/{job}")).json(&json!({"priority": 1}));
        changed.send().await.expect(200);
        let read = cloud.get(&format!("/jobs/{job}")).await;
        (job, read)
    })
    .await;
    read.expect_error(404, "JobNotFound");
    let (task, reads) = right_after(async |number| {
        let task = format!("/jobs/{job}/tasks/task{number}");
        cloud.script(&job, &format!("task{number}"), "true").await;
        let reads = [cloud.get(&task).await, cloud.get(&format!("{task}/files")).await];
        (task, reads)
    })
    .await;
    for read in reads {
        read.expect_error(404, "TaskNotFound");
    }
    for path in [format!("/jobs/{job}"), format!("{task}/files"), task] {
        until(&path, || async { (cloud.get(&path).await.status == 200).then_some(()) }).await;
    }
}

#[tokio::test]
async fn lists_lack_a_new_job_or_task_for_a_moment() {
    let cloud = eventual().await;
    let (is_listed, job, tasks) = right_after(async |number| {
        let job = format!("job{number}");
        cloud.job(&job).await;
        cloud.script(&job, "task", "true").await;
        let jobs = cloud.get("/jobs").await.expect(200).ids("id");
        let tasks = cloud.get(&format!("/jobs/{job}/tasks")).await.expect(200).ids("id");
        (jobs.contains(&job), job, tasks)
    })
    .await;
    assert!(!is_listed);
    assert_eq!(tasks, [""; 0]);
    until("the job is listed", || async {
        cloud.get("/jobs").await.expect(200).ids("id").contains(&job).then_some(())
    })
    .await;
    assert_eq!(listed(&cloud, &format!("/jobs/{job}/tasks")).await, ["task"]);
}

#[tokio::test]
async fn the_list_of_a_job_that_was_just_completed_lacks_the_tasks_that_ended_last() {
    let cloud = eventual().await;
    cloud.job("job").await;
    cloud.script("job", "early", "true").await;
    sleep(LONG).await;
    cloud.script("job", "late", "sleep 600").await;
    sleep(LONG).await;
    let tasks = || async { cloud.get("/jobs/job/tasks").await.expect(200).ids("id") };
    assert_eq!(tasks().await, ["early", "late"]);
    cloud.client.post("/jobs/job/terminate").send().await.expect(202);
    cloud.job_in_state("job", "completed").await;
    assert_eq!(tasks().await, ["early"]);
    until("both tasks", || async { (tasks().await.len() == 2).then_some(()) }).await;
}

#[tokio::test]
async fn new_tasks_are_not_counted_for_some_seconds() {
    let cloud = eventual().await;
    cloud.job("job").await;
    cloud.script("job", "task", "true").await;
    let completed = || async {
        cloud.get("/jobs/job/taskcounts").await.expect(200).body["taskCounts"]["completed"].clone()
    };
    until("a listed task", || async {
        let tasks = cloud.get("/jobs/job/tasks").await.expect(200).body;
        (tasks["value"][0]["state"] == "completed").then_some(())
    })
    .await;
    assert_eq!(completed().await, 0);
    until("a counted task", || async { (completed().await == 1).then_some(()) }).await;
}

#[tokio::test]
async fn one_of_twenty_jobs_is_created_although_the_answer_is_429() {
    let cloud = eventual().await;
    for number in 1..20 {
        cloud.job(&format!("job{number}")).await;
    }
    let create = || {
        let job = json!({"id": "job20", "poolInfo": {"poolId": "pool"}});
        cloud.client.post("/jobs").json(&job).send()
    };
    let refused = create().await.expect_error(429, "TooManyRequests");
    assert_eq!(refused.header("retry-after"), "30");
    create().await.expect_error(409, "JobExists");
    let faults = cloud.emulator.requests().into_iter().filter_map(|request| request.fault);
    assert_eq!(faults.collect::<Vec<_>>(), ["any=429-after,retry-after=30"]);
}

#[tokio::test]
async fn more_requests_in_a_second_than_the_account_takes_are_refused() {
    let cloud = Cloud::start_with(|settings| settings.rate_limit = 3.try_into().ok()).await;
    let refused = until("a refusal", || async {
        let replies = futures::future::join_all((0..5).map(|_| cloud.get("/jobs"))).await;
        replies.into_iter().find(|reply| reply.status == 429)
    })
    .await;
    refused.expect_error(429, "TooManyRequests");
    sleep(Duration::from_secs(1)).await;
    cloud.get("/jobs").await.expect(200);
    let refused = until("a refusal", || async {
        let reply = cloud.client.post("/jobs").json(&json!({})).send().await;
        (reply.status == 429).then_some(reply)
    });
    assert_eq!(refused.await.header("retry-after"), "1");
}
