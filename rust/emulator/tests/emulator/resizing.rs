//! Resizing pools.

use azure_batch_emulator::{PoolSettings, ResizeError};
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::{Cloud, until};

async fn cloud_of(pool: &str) -> Cloud {
    let pool: PoolSettings = pool.parse().unwrap();
    let cloud = Cloud::start_with(|settings| settings.pools = vec![pool]).await;
    cloud.job("job").await;
    cloud
}

async fn ask(cloud: &Cloud, what: &str, body: Value) -> Reply {
    cloud.client.post(&format!("/pools/pool/{what}")).json(&body).send().await
}

/// Returns the pool once it is steady.
async fn steady(cloud: &Cloud) -> Value {
    until("a steady pool", || async {
        let pool = cloud.get("/pools/pool").await.expect(200).body;
        (pool["allocationState"] == "steady").then_some(pool)
    })
    .await
}

fn counts(pool: &Value) -> [u64; 4] {
    let names = ["currentDedicated", "targetDedicated", "currentLowPriority", "targetLowPriority"];
    names.map(|name| pool[format!("{name}Nodes")].as_u64().unwrap())
}

/// Starts a task that runs until it is stopped. Returns its node.
async fn run_on(cloud: &Cloud, task: &str) -> String {
    cloud.script("job", task, "echo up; sleep 600").await;
    cloud.wait_for_output("job", task, "up").await;
    let task = cloud.task_in_state("job", task, "running").await;
    task["nodeInfo"]["nodeId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_pool_grows_and_waiting_tasks_start() {
    let cloud = cloud_of("pool:nodes=0").await;
    cloud.script("job", "task", "true").await;
    let before = cloud.get("/pools/pool").await.body;
    let grow = json!({"targetDedicatedNodes": 2, "targetLowPriorityNodes": 1});
    ask(&cloud, "resize", grow.clone()).await.expect(202);
    let resizing = cloud.get("/pools/pool").await.body;
    assert_eq!(
        (&resizing["allocationState"], counts(&resizing)),
        (&json!("resizing"), [0, 2, 0, 1])
    );
    assert_ne!(resizing["eTag"], before["eTag"]);
    ask(&cloud, "resize", grow).await.expect_error(409, "PoolBeingResized");
    assert_eq!(counts(&steady(&cloud).await), [2, 2, 1, 1]);
    cloud.completed("job", "task").await;
}

#[tokio::test]
async fn a_pool_that_shrinks_loses_nodes_without_tasks_first() {
    let cloud = cloud_of("pool:nodes=3").await;
    let busy = run_on(&cloud, "task").await;
    ask(&cloud, "resize", json!({"targetDedicatedNodes": 1})).await.expect(202);
    assert_eq!(counts(&steady(&cloud).await), [1, 1, 0, 0]);
    assert_eq!(cloud.emulator.node_ids("pool").unwrap(), [busy]);
    assert_eq!(cloud.get("/jobs/job/tasks/task").await.body["state"], "running");
}

#[tokio::test]
async fn the_tasks_of_a_removed_node_follow_the_deallocation_option() {
    for (option, state, code) in
        [("requeue", "active", Value::Null), ("terminate", "completed", json!("TaskEnded"))]
    {
        let cloud = cloud_of("pool").await;
        run_on(&cloud, "task").await;
        let shrink = json!({"targetDedicatedNodes": 0, "nodeDeallocationOption": option});
        ask(&cloud, "resize", shrink).await.expect(202);
        assert_eq!(counts(&steady(&cloud).await), [0, 0, 0, 0], "{option}");
        let task = cloud.get("/jobs/job/tasks/task").await.body;
        assert_eq!(task["state"], state);
        assert_eq!(task["executionInfo"]["failureInfo"]["code"], code);
        assert_eq!(task["executionInfo"]["requeueCount"], u32::from(option == "requeue"));
    }
}

#[tokio::test]
async fn a_node_can_leave_when_its_tasks_have_ended() {
    let cloud = cloud_of("pool").await;
    cloud.script("job", "task", "sleep 600").await;
    let node = cloud.task_in_state("job", "task", "running").await["nodeInfo"]["nodeId"].clone();
    let node = node.as_str().unwrap();
    let leave = json!({"nodeList": [node], "nodeDeallocationOption": "taskcompletion"});
    ask(&cloud, "removenodes", leave).await.expect(202);
    let shown = cloud.get(&format!("/pools/pool/nodes/{node}")).await.expect(200).body;
    assert_eq!(shown["state"], "leavingpool");
    cloud.script("job", "late", "true").await;
    cloud.get("/jobs/job/tasks/task/files/stdout.txt").await.expect(200);
    assert_eq!(cloud.get("/pools/pool").await.body["allocationState"], "resizing");
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    assert_eq!(counts(&steady(&cloud).await), [0, 0, 0, 0]);
    let task = cloud.get("/jobs/job/tasks/task").await.body;
    assert_eq!(
        (&task["state"], &task["executionInfo"]["requeueCount"]),
        (&json!("completed"), &json!(0))
    );
    assert_eq!(cloud.get("/jobs/job/tasks/late").await.body["state"], "active");
}

#[tokio::test]
async fn removing_nodes_reduces_the_target() {
    let cloud = cloud_of("pool:nodes=2,low-priority=1").await;
    let ids = cloud.emulator.node_ids("pool").unwrap();
    let removal =
        ask(&cloud, "removenodes", json!({"nodeList": [ids[0], ids[2]]})).await.expect(202);
    assert!(removal.header("dataserviceid").ends_with("/pools/pool/removenodes"));
    let etag = cloud.get("/pools/pool").await.header("etag").to_owned();
    assert_eq!(removal.header("etag"), etag);
    assert_eq!(counts(&steady(&cloud).await), [1, 1, 0, 0]);
    assert_eq!(cloud.emulator.node_ids("pool").unwrap(), ids[1..2]);
    let wrong = ask(&cloud, "removenodes", json!({"nodeList": ["none"]})).await;
    wrong.expect_error(404, "NodeNotFound");
    let none = ask(&cloud, "removenodes", json!({"nodeList": []})).await;
    none.expect_error(400, "InvalidPropertyValue");
}

#[tokio::test]
async fn a_failed_resize_reports_errors_and_leaves_the_pool_steady() {
    let cloud = cloud_of("pool").await;
    let failure = ResizeError::new("AllocationFailed", "no machines of this size");
    cloud.emulator.fail_allocations("pool", Some(failure)).unwrap();
    ask(&cloud, "resize", json!({"targetDedicatedNodes": 2})).await.expect(202);
    let pool = steady(&cloud).await;
    assert_eq!(counts(&pool), [1, 2, 0, 0]);
    assert_eq!(pool["resizeErrors"][0]["code"], "AllocationFailed");
    cloud.emulator.fail_allocations("pool", None).unwrap();
    assert_eq!(counts(&steady(&cloud).await), [2, 2, 0, 0]);
    ask(&cloud, "resize", json!({"targetDedicatedNodes": 101})).await.expect(202);
    let pool = steady(&cloud).await;
    assert_eq!(
        (&pool["resizeErrors"][0]["code"], counts(&pool)[0]),
        (&json!("AccountCoreQuotaReached"), 2)
    );
}

#[tokio::test]
async fn a_resize_can_be_stopped() {
    let cloud = cloud_of("pool").await;
    cloud
        .client
        .post("/pools/pool/stopresize")
        .send()
        .await
        .expect_error(409, "OperationInvalidForCurrentState");
    let resize = ask(&cloud, "resize", json!({"targetDedicatedNodes": 2})).await.expect(202);
    let stop = cloud.client.post("/pools/pool/stopresize").send().await.expect(202);
    assert_eq!(stop.header("etag"), resize.header("etag"));
    assert!(stop.header("dataserviceid").ends_with("/pools/pool/stopresize"));
    assert_eq!(cloud.get("/pools/pool").await.body["allocationState"], "stopping");
    let pool = steady(&cloud).await;
    assert_eq!((counts(&pool)[0], &pool["resizeErrors"][0]["code"]), (1, &json!("ResizeStopped")));
}

#[tokio::test]
async fn a_pool_shows_the_timeout_of_its_last_resize() {
    let cloud = cloud_of("pool").await;
    for (given, shown) in [(json!("PT20M"), "PT20M"), (Value::Null, "PT15M")] {
        let resize = json!({"targetDedicatedNodes": 0, "resizeTimeout": given});
        ask(&cloud, "resize", resize).await.expect(202);
        assert_eq!(steady(&cloud).await["resizeTimeout"], shown);
    }
}

#[tokio::test]
async fn an_invalid_resize_is_refused() {
    let cloud = cloud_of("pool").await;
    for (body, property) in [
        (json!({}), "targetDedicatedNodes"),
        (json!({"targetDedicatedNodes": 1, "resizeTimeout": "PT4M"}), "resizeTimeout"),
    ] {
        let refused = ask(&cloud, "resize", body).await;
        assert_eq!(
            refused.expect_error(400, "InvalidPropertyValue").value("PropertyName"),
            property
        );
    }
    let body = json!({"targetDedicatedNodes": 2});
    let stale = cloud.client.post("/pools/pool/resize").json(&body).header("if-match", "0x1");
    stale.send().await.expect_error(412, "ConditionNotMet");
    assert_eq!(counts(&steady(&cloud).await), [1, 1, 0, 0]);
}
