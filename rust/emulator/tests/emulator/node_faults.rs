//! Nodes that are lost, preempted or unusable, and their tasks.

use std::time::Duration;

use azure_batch_emulator::{NodeError, PoolSettings, RequeueCount, ResizeError, Settings};
use serde_json::{Value, json};

use crate::support::processes::{count, unique_sleep};
use crate::support::{Cloud, until};

/// Starts a cloud with a pool like this and a job in it.
async fn cloud_with(pool: &str, change: impl FnOnce(&mut Settings)) -> Cloud {
    let pool: PoolSettings = pool.parse().unwrap();
    let cloud = Cloud::start_with(|settings| {
        settings.pools = vec![pool];
        change(settings);
    })
    .await;
    cloud.job("job").await;
    cloud
}

async fn cloud_of(pool: &str) -> Cloud {
    cloud_with(pool, |_| ()).await
}

/// Returns the node of a task once it runs and has written output.
async fn node_of_running(cloud: &Cloud, task: &str) -> String {
    cloud.wait_for_output("job", task, "up").await;
    let task = cloud.get(&format!("/jobs/job/tasks/{task}")).await.expect(200).body;
    task["nodeInfo"]["nodeId"].as_str().unwrap().to_owned()
}

async fn state(cloud: &Cloud, node: &str) -> Value {
    cloud.get(&format!("/pools/pool/nodes/{node}")).await.body["state"].clone()
}

/// Exits only if it runs on a node for the second time, or on a second node.
const ONCE: &str = "mkdir $AZ_BATCH_NODE_SHARED_DIR/../../seen && { echo up; sleep 600; }; exit 7";

#[tokio::test]
async fn the_task_of_a_lost_node_runs_again_on_another_one() {
    // Long enough for the lost node to be observed.
    let slow = Duration::from_secs(2);
    let cloud = cloud_with("pool:nodes=2", |settings| settings.state_delay.changing = slow).await;
    let sleep = unique_sleep();
    cloud.script("job", "task", &format!("echo up; sleep {sleep}")).await;
    let lost = node_of_running(&cloud, "task").await;
    cloud.emulator.lose_node("pool", &lost).unwrap();
    assert_eq!(state(&cloud, &lost).await, "unknown");
    until("another node", || async {
        let node = cloud.get("/jobs/job/tasks/task").await.body["nodeInfo"]["nodeId"].clone();
        (node.is_string() && node != lost.as_str()).then_some(())
    })
    .await;
    cloud.wait_for_output("job", "task", "up").await;
    let task = cloud.task_in_state("job", "task", "running").await;
    assert_eq!(task["executionInfo"]["requeueCount"], 1);
    assert_eq!(task["executionInfo"]["retryCount"], 0);
    assert!(task["executionInfo"]["lastRequeueTime"].is_string(), "{task}");
    assert_eq!(count(&sleep), 1);
    let path = format!("/pools/pool/nodes/{lost}");
    until("the lost node is gone", || async {
        (cloud.get(&path).await.status == 404).then_some(())
    })
    .await;
    let pool = cloud.get("/pools/pool").await.body;
    assert_eq!(pool["currentDedicatedNodes"], 2, "another node takes its place");
}

#[tokio::test]
async fn a_task_that_waits_again_shows_nothing_of_its_run() {
    let cloud = cloud_of("pool").await;
    let full = ResizeError::new("AccountCoreQuotaReached", "no cores left");
    cloud.emulator.fail_allocations("pool", Some(full)).unwrap();
    cloud.script("job", "task", "echo up; sleep 600").await;
    let lost = node_of_running(&cloud, "task").await;
    cloud.emulator.lose_node("pool", &lost).unwrap();
    let task = cloud.task_in_state("job", "task", "active").await;
    assert_eq!(task["previousState"], "running");
    for gone in ["startTime", "endTime", "exitCode", "failureInfo", "result"] {
        assert_eq!(task["executionInfo"].get(gone), None, "{gone}: {task}");
    }
    assert_eq!(task.get("nodeInfo"), None, "{task}");
    let file = cloud.get("/jobs/job/tasks/task/files/stdout.txt").await;
    file.expect_error(409, "OperationInvalidForCurrentState");
    let pool = until("a pool without nodes", || async {
        let pool = cloud.get("/pools/pool").await.body;
        (pool["currentDedicatedNodes"] == 0).then_some(pool)
    })
    .await;
    let error = json!([{"code": "AccountCoreQuotaReached", "message": "no cores left"}]);
    assert_eq!((&pool["resizeErrors"], &pool["targetDedicatedNodes"]), (&error, &json!(1)));
    cloud.emulator.fail_allocations("pool", None).unwrap();
    cloud.wait_for_output("job", "task", "up").await;
    assert_eq!(cloud.get("/pools/pool").await.body["resizeErrors"], error);
}

#[tokio::test]
async fn the_loss_of_a_node_is_no_retry_and_a_requeue_only_if_it_is_set_so() {
    for (counts, requeues) in [(RequeueCount::All, 1), (RequeueCount::Requests, 0)] {
        let root = tempfile::tempdir().unwrap();
        let cloud = cloud_with("pool:nodes=2", |settings| {
            settings.requeue_count = counts;
            settings.node_root = Some(root.path().to_owned());
            settings.isolation = azure_batch_emulator::Isolation::None;
        })
        .await;
        let never = json!({"constraints": {"maxTaskRetryCount": 0}});
        cloud.script_with("job", "task", ONCE, never).await;
        let lost = node_of_running(&cloud, "task").await;
        cloud.emulator.lose_node("pool", &lost).unwrap();
        let execution = cloud.completed("job", "task").await["executionInfo"].clone();
        assert_eq!(execution["exitCode"], 7, "{execution}");
        assert_eq!(
            (&execution["requeueCount"], &execution["retryCount"]),
            (&json!(requeues), &json!(0))
        );
    }
}

#[tokio::test]
async fn the_files_of_a_node_are_removed_with_it() {
    let cloud = cloud_of("pool:low-priority=1,nodes=0").await;
    cloud.script("job", "task", "echo up").await;
    cloud.completed("job", "task").await;
    let node = node_of_running(&cloud, "task").await;
    let file = || cloud.get("/jobs/job/tasks/task/files/stdout.txt");
    cloud.emulator.preempt_node("pool", &node).unwrap();
    file().await.expect_error(409, "NodeNotReady");
    cloud.emulator.recover_node("pool", &node).await.unwrap();
    file().await.expect_error(404, "FileNotFound");
    cloud.emulator.lose_node("pool", &node).unwrap();
    until("the node is gone", || async { (file().await.status == 404).then_some(()) }).await;
    file().await.expect_error(404, "NodeNotFound");
    let task = cloud.get("/jobs/job/tasks/task").await.expect(200).body;
    assert_eq!(
        (&task["state"], &task["executionInfo"]["exitCode"]),
        (&json!("completed"), &json!(0))
    );
}

#[tokio::test]
async fn a_preempted_node_stays_in_its_pool_and_comes_back() {
    let cloud = cloud_of("pool:nodes=0,low-priority=1").await;
    cloud.script("job", "task", "echo up; sleep 600").await;
    let node = node_of_running(&cloud, "task").await;
    cloud.emulator.preempt_node("pool", &node).unwrap();
    assert_eq!(state(&cloud, &node).await, "preempted");
    cloud.task_in_state("job", "task", "active").await;
    assert_eq!(cloud.get("/pools/pool").await.body["currentLowPriorityNodes"], 1);
    cloud.emulator.recover_node("pool", &node).await.unwrap();
    assert_eq!(node_of_running(&cloud, "task").await, node);
    assert_eq!(state(&cloud, &node).await, "running");
}

#[tokio::test]
async fn an_unusable_node_reports_errors_and_runs_nothing() {
    let cloud = cloud_of("pool").await;
    cloud.script("job", "task", "echo up; sleep 600").await;
    let node = node_of_running(&cloud, "task").await;
    let full = vec![NodeError::new("DiskFull", "There is not enough disk space")];
    cloud.emulator.make_node_unusable("pool", &node, full).unwrap();
    cloud.task_in_state("job", "task", "active").await;
    let shown = cloud.get(&format!("/pools/pool/nodes/{node}")).await.expect(200).body;
    assert_eq!(
        (&shown["state"], &shown["errors"][0]["code"]),
        (&json!("unusable"), &json!("DiskFull"))
    );
    cloud.emulator.recover_node("pool", &node).await.unwrap();
    cloud.wait_for_output("job", "task", "up").await;
    let shown = cloud.get(&format!("/pools/pool/nodes/{node}")).await.expect(200).body;
    assert_eq!(shown.get("errors"), None);
}

#[tokio::test]
async fn a_task_terminated_while_its_node_fails_stays_terminated() {
    let cloud = cloud_of("pool:nodes=2").await;
    for task in ["terminated", "deleted"] {
        cloud.script("job", task, "echo up; sleep 600").await;
    }
    let nodes =
        [node_of_running(&cloud, "terminated").await, node_of_running(&cloud, "deleted").await];
    let end = cloud.client.post("/jobs/job/tasks/terminated/terminate");
    end.send().await.expect(204);
    for node in &nodes {
        cloud.emulator.lose_node("pool", node).unwrap();
    }
    cloud.client.delete("/jobs/job/tasks/deleted").send().await.expect(200);
    let task = cloud.completed("job", "terminated").await;
    assert_eq!(task["executionInfo"]["failureInfo"]["code"], "TaskEnded");
    cloud.get("/jobs/job/tasks/deleted").await.expect_error(404, "TaskNotFound");
}

#[tokio::test]
async fn an_impossible_node_event_is_refused() {
    let cloud = cloud_of("pool").await;
    let node = cloud.emulator.node_ids("pool").unwrap().remove(0);
    let refused = cloud.emulator.preempt_node("pool", &node).unwrap_err().to_string();
    assert!(refused.starts_with("OperationNotValidOnNode"), "{refused}");
    let refused = cloud.emulator.recover_node("pool", &node).await.unwrap_err().to_string();
    assert!(refused.contains("neither preempted nor unusable"), "{refused}");
    let refused = cloud.emulator.lose_node("pool", "other").unwrap_err().to_string();
    assert!(refused.starts_with("NodeNotFound"), "{refused}");
    assert!(cloud.emulator.node_ids("other").is_err());
}
