//! The JSON of nodes.

use std::time::Duration;

use azure_batch_emulator::PoolSettings;
use serde_json::{Value, json};

use crate::support::{Cloud, until};

async fn cloud_of(pools: &[&str]) -> Cloud {
    let pools: Vec<PoolSettings> = pools.iter().map(|pool| pool.parse().unwrap()).collect();
    Cloud::start_with(|settings| settings.pools = pools).await
}

async fn node(cloud: &Cloud, id: &str) -> Value {
    cloud.get(&format!("/pools/pool/nodes/{id}")).await.expect(200).body
}

#[tokio::test]
async fn a_pool_lists_its_nodes_dedicated_and_not() {
    let cloud = cloud_of(&["pool:nodes=2,low-priority=1"]).await;
    let list = cloud.get("/pools/pool/nodes").await.expect(200);
    let mut ids = cloud.emulator.node_ids("pool").unwrap();
    ids.sort();
    assert_eq!(list.ids("id"), ids);
    let nodes = list.body["value"].as_array().unwrap();
    assert!(nodes.iter().all(|node| node["state"] == "idle"), "{nodes:?}");
    assert_eq!(nodes.iter().filter(|node| node["isDedicated"] == true).count(), 2);
    let low_priority = nodes.iter().find(|node| node["isDedicated"] == false).unwrap();
    assert!(low_priority["id"].as_str().unwrap().ends_with("_p"), "{low_priority}");
}

#[tokio::test]
async fn lists_of_pools_and_nodes_have_filters_selections_and_pages() {
    let cloud = cloud_of(&["pool:nodes=3", "other:nodes=0"]).await;
    assert_eq!(cloud.get("/pools").await.expect(200).ids("id"), ["other", "pool"]);
    let named = cloud.client.get("/pools").query("$filter", "startswith(id, 'po')").send().await;
    assert_eq!(named.expect(200).ids("id"), ["pool"]);
    let page = cloud.client.get("/pools/pool/nodes").query("maxresults", "2").send().await;
    assert_eq!(page.ids("id").len(), 2);
    let rest = cloud.client.follow(page.body["odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(rest.expect(200).ids("id").len(), 1);
    let running = cloud.client.get("/pools/pool/nodes").query("$filter", "state eq 'running'");
    assert_eq!(running.send().await.expect(200).ids("id").len(), 0);
    let wrong = cloud.client.get("/pools/pool/nodes").query("$filter", "id eq 'x'").send().await;
    wrong.expect_error(400, "InvalidQueryParameterValue");
    let states = cloud.client.get("/pools/pool/nodes").query("$select", "state").send().await;
    assert_eq!(states.body["value"][0], json!({"state": "idle"}));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let cloud = Cloud::start().await;
    cloud.client.head("/pools/pool").send().await.expect(200);
    cloud.client.head("/pools/other").send().await.expect(404);
    cloud.get("/pools/other/nodes").await.expect_error(404, "PoolNotFound");
    cloud.get("/pools/pool/nodes/other").await.expect_error(404, "NodeNotFound");
}

#[tokio::test]
async fn a_node_shows_what_it_runs_and_ran() {
    let cloud = cloud_of(&["pool"]).await;
    let id = cloud.emulator.node_ids("pool").unwrap().remove(0);
    assert_eq!(node(&cloud, &id).await.get("recentTasks"), None);
    cloud.job("job").await;
    cloud.script("job", "good", "true").await;
    cloud.completed("job", "good").await;
    cloud.script("job", "bad", "exit 3").await;
    cloud.completed("job", "bad").await;
    cloud.script_with("job", "long", "sleep 600", json!({"requiredSlots": 2})).await;
    cloud.task_in_state("job", "long", "running").await;
    let shown = node(&cloud, &id).await;
    assert_eq!(
        (&shown["state"], &shown["schedulingState"]),
        (&json!("running"), &json!("enabled"))
    );
    assert_eq!((&shown["totalTasksRun"], &shown["totalTasksSucceeded"]), (&json!(2), &json!(1)));
    assert_eq!(shown["runningTasksCount"], 1);
    assert_eq!(shown["runningTaskSlotsCount"], 2);
    let recent = shown["recentTasks"].as_array().unwrap();
    let named: Vec<_> = recent.iter().map(|task| task["taskId"].as_str().unwrap()).collect();
    assert_eq!(named, ["long", "bad", "good"]);
    assert_eq!(recent[1]["executionInfo"]["exitCode"], 3);
    cloud.client.delete("/jobs/job").send().await.expect(202);
    until("an idle node", || async { (node(&cloud, &id).await["state"] == "idle").then_some(()) })
        .await;
}

#[tokio::test]
async fn a_pool_whose_allocations_fail_reports_the_error() {
    let mut pool = PoolSettings::from("pool");
    pool.resize_error = Some(azure_batch_emulator::ResizeError::new("AllocationFailed", "none"));
    let cloud = Cloud::start_with(|settings| {
        settings.pools = vec![pool];
        settings.state_delay = Duration::from_millis(1).into();
    })
    .await;
    let pool = cloud.get("/pools/pool").await.expect(200).body;
    assert_eq!(
        (&pool["currentDedicatedNodes"], &pool["targetDedicatedNodes"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(pool["resizeErrors"], json!([{"code": "AllocationFailed", "message": "none"}]));
}
