//! The taskSchedulingPolicy of a pool.

use serde_json::json;

use crate::support::pools::{container_pool, create, empty_cloud, plain_pool, steady};
use crate::support::{Cloud, merged, shell_task};

/// Runs tasks until they are stopped, one after the other. Returns the nodes that have them.
async fn nodes_of(cloud: &Cloud, tasks: &[&str]) -> Vec<String> {
    cloud.job("job").await;
    let mut nodes = Vec::new();
    for task in tasks {
        let wait = merged(shell_task(task, "sleep 600"), json!({"containerSettings": null}));
        cloud.client.post("/jobs/job/tasks").json(&wait).send().await.expect(201);
        let task = cloud.task_in_state("job", task, "running").await;
        nodes.push(task["nodeInfo"]["nodeId"].as_str().unwrap().to_owned());
    }
    nodes
}

#[tokio::test]
async fn the_nodes_of_a_pool_that_packs_are_filled_one_after_the_other() {
    let cloud = empty_cloud().await;
    let policy = json!({
        "targetDedicatedNodes": 2,
        "taskSlotsPerNode": 2,
        "taskSchedulingPolicy": {"nodeFillType": "pack"},
    });
    create(&cloud, &merged(plain_pool("pool"), policy)).await.expect(201);
    let pool = steady(&cloud, "pool").await;
    assert_eq!(pool["taskSchedulingPolicy"]["nodeFillType"], "Pack");
    let nodes = nodes_of(&cloud, &["a", "b", "c"]).await;
    assert_eq!(nodes[0], nodes[1]);
    assert_ne!(nodes[1], nodes[2]);
    cloud.emulator.shutdown().await;
}

#[tokio::test]
async fn tasks_of_the_same_priority_run_in_the_order_of_their_jobs_if_the_pool_says_so() {
    for (order, first) in [("none", "other"), ("creationtime", "late")] {
        let cloud = empty_cloud().await;
        let policy = json!({"nodeFillType": "spread", "jobDefaultOrder": order});
        let pool = json!({"taskSchedulingPolicy": policy, "targetDedicatedNodes": 0});
        create(&cloud, &merged(container_pool("pool"), pool)).await.expect(201);
        steady(&cloud, "pool").await;
        cloud.job("first").await;
        cloud.job("second").await;
        cloud.script("second", "other", "sleep 600").await;
        cloud.script("first", "late", "sleep 600").await;
        let one = json!({"targetDedicatedNodes": 1});
        cloud.client.post("/pools/pool/resize").json(&one).send().await.expect(202);
        let job = if first == "late" { "first" } else { "second" };
        cloud.task_in_state(job, first, "running").await;
        let (job, other) = if first == "late" { ("second", "other") } else { ("first", "late") };
        let waiting = cloud.get(&format!("/jobs/{job}/tasks/{other}")).await.body;
        assert_eq!(waiting["state"], "active", "{order}");
        cloud.emulator.shutdown().await;
    }
}
