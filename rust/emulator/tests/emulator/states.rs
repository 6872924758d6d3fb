//! State transitions of jobs and tasks when each state lasts a while.

use std::cell::RefCell;
use std::time::Duration;

use azure_batch_emulator::StateDelays;
use serde_json::json;

use crate::support::{Cloud, until};

/// Long enough to be observed by a client that polls every 50 ms on a busy machine.
const DELAY: Duration = Duration::from_secs(1);

async fn slow_cloud() -> Cloud {
    Cloud::start_with(|settings| settings.state_delay = DELAY.into()).await
}

/// Returns the states observed until the last one; a deleted resource is `gone`.
async fn states(cloud: &Cloud, path: &str, last: &str) -> Vec<String> {
    let seen = RefCell::new(Vec::<String>::new());
    until(&format!("{path} is {last}"), || async {
        let state = cloud.get(path).await.body["state"].as_str().unwrap_or("gone").to_owned();
        let mut seen = seen.borrow_mut();
        if seen.last() != Some(&state) {
            seen.push(state.clone());
        }
        (state == last).then_some(())
    })
    .await;
    seen.into_inner()
}

#[tokio::test]
async fn every_state_of_a_task_and_its_job_can_be_seen() {
    let cloud = slow_cloud().await;
    cloud.job("job").await;
    cloud.script("job", "task", "true").await;
    let end = json!({"onAllTasksComplete": "terminatejob"});
    cloud.client.patch("/jobs/job").json(&end).send().await.expect(200);
    let of_task = states(&cloud, "/jobs/job/tasks/task", "completed").await;
    assert_eq!(of_task, ["active", "preparing", "running", "completed"]);
    let of_job = states(&cloud, "/jobs/job", "completed").await;
    assert_eq!(of_job, ["active", "terminating", "completed"]);
    cloud.client.delete("/jobs/job").send().await.expect(202);
    assert_eq!(states(&cloud, "/jobs/job", "gone").await, ["deleting", "gone"]);
}

#[tokio::test]
async fn each_state_can_last_its_own_time() {
    let long = Duration::from_secs(600);
    for (state, delays) in [
        ("active", StateDelays { active: long, ..StateDelays::default() }),
        ("preparing", StateDelays { preparing: long, ..StateDelays::default() }),
        ("running", StateDelays { running: long, ..StateDelays::default() }),
    ] {
        let cloud = Cloud::start_with(|settings| settings.state_delay = delays).await;
        cloud.job("job").await;
        cloud.script("job", "task", "true").await;
        let seen = states(&cloud, "/jobs/job/tasks/task", state).await;
        assert!(!seen.contains(&"completed".to_owned()), "{state}: {seen:?}");
        cloud.client.delete("/jobs/job").send().await.expect(202);
        states(&cloud, "/jobs/job", "gone").await;
    }
}

#[tokio::test]
async fn a_task_can_be_ended_in_every_state() {
    let cloud = slow_cloud().await;
    cloud.job("job").await;
    for state in ["active", "preparing", "running"] {
        cloud.script("job", state, "sleep 600").await;
        cloud.task_in_state("job", state, state).await;
        let end = format!("/jobs/job/tasks/{state}/terminate");
        cloud.client.post(&end).send().await.expect(204);
        let task = cloud.completed("job", state).await;
        assert_eq!(task["executionInfo"]["failureInfo"]["code"], "TaskEnded", "{state}");
    }
}

#[tokio::test]
async fn a_retry_is_active_again_for_a_while() {
    let cloud = slow_cloud().await;
    let once_more = json!({"constraints": {"maxTaskRetryCount": 1}});
    cloud.job("job").await;
    cloud.script_with("job", "task", "exit 1", once_more).await;
    let seen = states(&cloud, "/jobs/job/tasks/task", "completed").await;
    let once = ["active", "preparing", "running"];
    assert_eq!(seen, [once.as_slice(), &once, &["completed"]].concat());
}

#[tokio::test]
async fn a_version_stays_while_states_follow() {
    let cloud = slow_cloud().await;
    cloud.job("job").await;
    cloud.script("job", "task", "sleep 600").await;
    let path = "/jobs/job/tasks/task";
    let etag = cloud.get(path).await.header("etag").to_owned();
    cloud.task_in_state("job", "task", "running").await;
    let terminate = || cloud.client.post(&format!("{path}/terminate")).header("if-match", &etag);
    let reply = terminate().send().await.expect(204);
    terminate().send().await.expect_error(412, "ConditionNotMet");
    assert_eq!(cloud.completed("job", "task").await["eTag"], reply.header("etag"));
}
