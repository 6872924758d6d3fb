//! Which task runs on which node, and when.

use std::collections::BTreeSet;

use azure_batch_emulator::PoolSettings;
use serde_json::{Value, json};

use crate::support::Cloud;

const WAIT: &str = "echo up; while [ ! -e go ]; do sleep 0.05; done";

async fn cloud_of(pool: &str) -> Cloud {
    let pool: PoolSettings = pool.parse().unwrap();
    let cloud = Cloud::start_with(|settings| settings.pools = vec![pool]).await;
    cloud.job("job").await;
    cloud
}

fn node(task: &Value) -> String {
    task["nodeInfo"]["nodeId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nodes_run_tasks_beside_each_other_each_in_its_own_directory() {
    let cloud = cloud_of("pool:nodes=3,slots=1").await;
    let ids = ["a", "b", "c"];
    for id in ids {
        cloud.script("job", id, "echo $AZ_BATCH_NODE_ID; touch $AZ_BATCH_NODE_SHARED_DIR/x; ls $AZ_BATCH_NODE_SHARED_DIR; sleep 600").await;
    }
    let mut nodes = BTreeSet::new();
    for id in ids {
        let task = cloud.task_in_state("job", id, "running").await;
        cloud.wait_for_output("job", id, &format!("{}\nx\n", node(&task))).await;
        nodes.insert(node(&task));
    }
    assert_eq!(nodes.len(), 3, "{nodes:?}");
}

#[tokio::test]
async fn tasks_are_spread_over_nodes_as_the_policy_says() {
    let cloud = cloud_of("pool:nodes=2,slots=2").await;
    let policy = &cloud.get("/pools/pool").await.body["taskSchedulingPolicy"];
    assert_eq!(policy["nodeFillType"], "Spread");
    let mut nodes = Vec::new();
    for id in ["a", "b", "c", "d"] {
        cloud.script("job", id, "sleep 600").await;
        nodes.push(node(&cloud.task_in_state("job", id, "running").await));
    }
    assert_eq!((&nodes[0], &nodes[1]), (&nodes[2], &nodes[3]));
    assert_ne!(nodes[0], nodes[1]);
}

#[tokio::test]
async fn a_task_knows_whether_its_node_is_dedicated() {
    for (pool, dedicated) in [("pool", "true"), ("pool:nodes=0,low-priority=1", "false")] {
        let cloud = cloud_of(pool).await;
        cloud.run("echo $AZ_BATCH_NODE_IS_DEDICATED").await;
        assert_eq!(cloud.output("stdout.txt").await, format!("{dedicated}\n"));
    }
}

#[tokio::test]
async fn a_pool_shows_how_many_nodes_it_has() {
    let cloud = cloud_of("pool:nodes=2,low-priority=3").await;
    let pool = cloud.get("/pools/pool").await.expect(200).body;
    for moment in ["current", "target"] {
        assert_eq!(pool[format!("{moment}DedicatedNodes")], 2);
        assert_eq!(pool[format!("{moment}LowPriorityNodes")], 3);
    }
}

#[tokio::test]
async fn a_task_of_a_pool_without_nodes_stays_active() {
    let cloud = cloud_of("pool:nodes=0").await;
    cloud.script("job", "task", "true").await;
    let task = cloud.get("/jobs/job/tasks/task").await.expect(200).body;
    assert_eq!((&task["state"], &task["nodeInfo"]), (&json!("active"), &Value::Null));
}

#[tokio::test]
async fn a_smaller_task_passes_one_for_which_no_node_has_room() {
    let cloud = cloud_of("pool:nodes=2,slots=2").await;
    let wide = json!({"requiredSlots": 2});
    for id in ["first", "second"] {
        cloud.script("job", id, WAIT).await;
        cloud.task_in_state("job", id, "running").await;
    }
    cloud.script_with("job", "wide", "true", wide).await;
    cloud.script("job", "small", "true").await;
    cloud.completed("job", "small").await;
    assert_eq!(cloud.get("/jobs/job/tasks/wide").await.body["state"], "active");
    cloud.client.delete("/jobs/job/tasks/first").send().await.expect(200);
    cloud.completed("job", "wide").await;
}

#[tokio::test]
async fn waiting_tasks_run_by_priority_and_then_in_the_order_of_creation() {
    let cloud = cloud_of("pool:slots=1").await;
    cloud.job_with("low", json!({"priority": -1})).await;
    cloud.job_with("high", json!({"priority": 1})).await;
    cloud.script("job", "blocker", "sleep 600").await;
    let waiting = [("low", "a"), ("job", "b"), ("high", "c"), ("job", "a"), ("high", "b")];
    for (job, task) in waiting {
        cloud.script(job, task, "true").await;
    }
    cloud.client.delete("/jobs/job/tasks/blocker").send().await.expect(200);
    let mut started = Vec::new();
    for (job, task) in waiting {
        let start = cloud.completed(job, task).await["executionInfo"]["startTime"].clone();
        started.push((start.as_str().unwrap().to_owned(), job, task));
    }
    started.sort();
    let order: Vec<_> = started.iter().map(|(_, job, task)| (*job, *task)).collect();
    assert_eq!(order, [("high", "c"), ("high", "b"), ("job", "b"), ("job", "a"), ("low", "a")]);
}
