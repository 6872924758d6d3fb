//! The life of a pool: created, changed and deleted by requests.

use azure_batch_emulator::PoolSettings;
use serde_json::json;

use crate::support::pools::{
    container_pool, create, delete, empty_cloud, gone, patch, plain_pool, replace, steady,
};
use crate::support::{Cloud, merged, until};

#[tokio::test]
async fn a_new_pool_is_resizing_until_its_nodes_are_there() {
    let cloud = empty_cloud().await;
    let created = create(&cloud, &plain_pool("New")).await.expect(201);
    assert!(created.header("location").ends_with("/pools/New"));
    assert_eq!(created.header("location"), created.header("dataserviceid"));
    assert_eq!(created.text, "");
    let pool = cloud.get("/pools/new").await.expect(200);
    assert_eq!(pool.header("etag"), created.header("etag"));
    assert_eq!((&pool.body["id"], &pool.body["state"]), (&json!("New"), &json!("active")));
    assert_eq!(pool.body["allocationState"], "resizing");
    assert_eq!(pool.body["currentDedicatedNodes"], 0);
    let pool = steady(&cloud, "new").await;
    assert_eq!(
        (&pool["currentDedicatedNodes"], &pool["eTag"]),
        (&json!(1), &json!(created.header("etag")))
    );
}

#[tokio::test]
async fn a_start_task_has_files_variables_and_a_container() {
    let cloud = empty_cloud().await;
    let start = json!({
        "commandLine": "/bin/sh -c 'id -u > seen; echo $GIVEN >> seen'",
        "containerSettings": {"imageName": "image"},
        "environmentSettings": [{"name": "GIVEN", "value": "text"}],
        "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "admin"}},
    });
    create(&cloud, &merged(container_pool("pool"), json!({"startTask": start}))).await.expect(201);
    cloud.run("cat $AZ_BATCH_NODE_STARTUP_DIR/wd/seen").await;
    assert_eq!(cloud.output("stdout.txt").await, "0\ntext\n");
    let node = &cloud.get("/pools/pool/nodes").await.expect(200).body["value"][0];
    assert_eq!(node["startTaskInfo"]["result"], "success");
    assert_eq!(node["startTaskInfo"]["containerInfo"]["state"], "exited");
    assert_eq!(node["virtualMachineInfo"]["imageReference"]["sku"], "22_04-lts");
}

#[tokio::test]
async fn the_resource_files_of_a_start_task_are_on_its_node() {
    let cloud = empty_cloud().await;
    let unreachable = json!([{"httpUrl": "http://127.0.0.1:1/c/b", "filePath": "f"}]);
    let start = json!({"commandLine": "true", "resourceFiles": unreachable});
    create(&cloud, &merged(plain_pool("pool"), json!({"startTask": start}))).await.expect(201);
    let info = until("a failed start task", || async {
        let nodes = cloud.get("/pools/pool/nodes").await.expect(200).body;
        (nodes["value"][0]["state"] == "starttaskfailed")
            .then(|| nodes["value"][0]["startTaskInfo"].clone())
    })
    .await;
    assert_eq!(info["failureInfo"]["code"], "BlobDownloadMiscError");
}

#[tokio::test]
async fn the_id_of_a_pool_is_taken_until_the_pool_is_gone() {
    let cloud = empty_cloud().await;
    create(&cloud, &plain_pool("pool")).await.expect(201);
    create(&cloud, &plain_pool("POOL")).await.expect_error(409, "PoolExists");
    steady(&cloud, "pool").await;
    let deleted = delete(&cloud, "pool").await.expect(202);
    assert_eq!((deleted.header("etag"), deleted.header("dataserviceid")), ("", ""));
    let pool = cloud.get("/pools/pool").await.expect(200).body;
    assert_eq!((&pool["state"], &pool["targetDedicatedNodes"]), (&json!("deleting"), &json!(0)));
    create(&cloud, &plain_pool("pool")).await.expect_error(409, "PoolBeingDeleted");
    delete(&cloud, "pool").await.expect_error(409, "PoolBeingDeleted");
    patch(&cloud, "pool", json!({})).await.expect_error(409, "PoolBeingDeleted");
    replace(&cloud, "pool", json!({})).await.expect_error(409, "PoolBeingDeleted");
    let resize = cloud.client.post("/pools/pool/resize").json(&json!({"targetDedicatedNodes": 2}));
    resize.send().await.expect_error(409, "PoolBeingDeleted");
    let stop = cloud.client.post("/pools/pool/stopresize").send().await;
    stop.expect_error(409, "PoolBeingDeleted");
    gone(&cloud, "pool").await;
    delete(&cloud, "pool").await.expect_error(404, "PoolNotFound");
    create(&cloud, &plain_pool("pool")).await.expect(201);
}

#[tokio::test]
async fn the_tasks_of_a_deleted_pool_wait_for_another_one() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud
        .script("job", "task", "echo up; test -e $AZ_BATCH_NODE_SHARED_DIR/old || sleep 600")
        .await;
    cloud.wait_for_output("job", "task", "up").await;
    let root = cloud.emulator.node_ids("pool").unwrap();
    delete(&cloud, "pool").await.expect(202);
    gone(&cloud, "pool").await;
    let task = cloud.get("/jobs/job/tasks/task").await.expect(200).body;
    assert_eq!(
        (&task["state"], &task["executionInfo"]["requeueCount"]),
        (&json!("active"), &json!(1))
    );
    assert_eq!(cloud.get("/jobs/job").await.body["state"], "active");
    cloud.script("job", "late", "true").await;
    assert_eq!(cloud.get("/jobs/job/tasks/late").await.body["state"], "active");
    let start = json!({"commandLine": "/bin/sh -c 'touch $AZ_BATCH_NODE_SHARED_DIR/old'"});
    create(&cloud, &merged(container_pool("pool"), json!({"startTask": start}))).await.expect(201);
    cloud.completed("job", "task").await;
    cloud.completed("job", "late").await;
    assert_ne!(cloud.emulator.node_ids("pool").unwrap(), root);
}

#[tokio::test]
async fn the_files_of_a_deleted_pool_are_gone() {
    let cloud = Cloud::start().await;
    cloud.run("echo x").await;
    delete(&cloud, "pool").await.expect(202);
    gone(&cloud, "pool").await;
    let file = cloud.get("/jobs/run/tasks/task/files/stdout.txt").await;
    file.expect_error(404, "NodeNotFound");
}

#[tokio::test]
async fn a_pool_that_is_resizing_can_be_deleted_and_leaves_nothing_to_the_next_one() {
    let cloud = empty_cloud().await;
    let large = merged(plain_pool("pool"), json!({"targetDedicatedNodes": 3}));
    for _ in 0..2 {
        create(&cloud, &large).await.expect(201);
        delete(&cloud, "pool").await.expect(202);
        gone(&cloud, "pool").await;
    }
    create(&cloud, &plain_pool("pool")).await.expect(201);
    let pool = steady(&cloud, "pool").await;
    assert_eq!((&pool["currentDedicatedNodes"], &pool["state"]), (&json!(1), &json!("active")));
    assert_eq!(cloud.emulator.node_ids("pool").unwrap().len(), 1);
}

#[tokio::test]
async fn the_start_task_and_the_metadata_of_a_pool_change_at_any_time() {
    let cloud = empty_cloud().await;
    create(&cloud, &plain_pool("pool")).await.expect(201);
    let before = steady(&cloud, "pool").await;
    let metadata = json!([{"name": "n", "value": "v"}]);
    let start = json!({"commandLine": "true"});
    let patched = patch(&cloud, "pool", json!({"metadata": metadata})).await.expect(200);
    assert!(patched.header("dataserviceid").ends_with("/pools/pool"));
    let after = cloud.get("/pools/pool").await.body;
    assert_eq!((&after["metadata"], &after["eTag"]), (&metadata, &json!(patched.header("etag"))));
    assert_ne!(after["eTag"], before["eTag"]);
    patch(&cloud, "pool", json!({"startTask": start})).await.expect(200);
    let both = cloud.get("/pools/pool").await.body;
    assert_eq!((&both["metadata"], &both["startTask"]["commandLine"]), (&metadata, &json!("true")));
    let body =
        json!({"metadata": [], "applicationPackageReferences": [], "certificateReferences": []});
    let replaced = replace(&cloud, "pool", body).await.expect(204);
    assert!(replaced.header("dataserviceid").ends_with("/pools/pool/updateproperties"));
    let after = cloud.get("/pools/pool").await.body;
    assert_eq!((after.get("startTask"), after.get("metadata")), (None, None));
    assert_eq!(after["eTag"], replaced.header("etag"));
}

#[tokio::test]
async fn other_properties_of_a_pool_change_only_while_it_has_no_nodes() {
    let cloud = empty_cloud().await;
    create(&cloud, &plain_pool("pool")).await.expect(201);
    steady(&cloud, "pool").await;
    let slots = json!({"taskSlotsPerNode": 2});
    let refused = patch(&cloud, "pool", slots.clone()).await;
    let refused = refused.expect_error(409, "OperationInvalidForCurrentState");
    assert_eq!(refused.value("PropertyName"), "taskSlotsPerNode");
    let none = json!({"targetDedicatedNodes": 0});
    cloud.client.post("/pools/pool/resize").json(&none).send().await.expect(202);
    steady(&cloud, "pool").await;
    let machine = &container_pool("pool")["virtualMachineConfiguration"];
    let change =
        merged(slots, json!({"vmSize": "STANDARD_A1", "virtualMachineConfiguration": machine}));
    patch(&cloud, "pool", change).await.expect(200);
    let pool = cloud.get("/pools/pool").await.body;
    assert_eq!((&pool["taskSlotsPerNode"], &pool["vmSize"]), (&json!(2), &json!("standard_a1")));
    cloud
        .client
        .post("/pools/pool/resize")
        .json(&json!({"targetDedicatedNodes": 1}))
        .send()
        .await
        .expect(202);
    cloud.job("run").await;
    cloud.script_with("run", "task", "true", json!({"requiredSlots": 2})).await;
    cloud.completed("run", "task").await;
}

#[tokio::test]
async fn a_pool_is_changed_only_in_the_version_that_was_named() {
    let cloud = empty_cloud().await;
    create(&cloud, &plain_pool("pool")).await.expect(201);
    let stale = ("if-match", "0x1");
    let client = &cloud.client;
    let requests = [
        client.patch("/pools/pool").json(&json!({"metadata": []})),
        client.post("/pools/pool/updateproperties").json(&json!({})),
        client.delete("/pools/pool"),
    ];
    for request in requests {
        let refused = request.header(stale.0, stale.1).send().await;
        refused.expect_error(412, "ConditionNotMet");
    }
    let tag = cloud.get("/pools/pool").await.header("etag").to_owned();
    client.delete("/pools/pool").header("if-match", &tag).send().await.expect(202);
}

#[tokio::test]
async fn a_pool_without_targets_has_no_nodes() {
    let cloud = empty_cloud().await;
    let pool = merged(plain_pool("pool"), json!({"targetDedicatedNodes": null}));
    create(&cloud, &pool).await.expect(201);
    let pool = steady(&cloud, "pool").await;
    for name in ["targetDedicatedNodes", "targetLowPriorityNodes", "currentDedicatedNodes"] {
        assert_eq!(pool[name], 0, "{name}");
    }
}

#[tokio::test]
async fn a_pool_with_too_many_nodes_has_none_and_resize_errors() {
    let cloud = empty_cloud().await;
    let body = merged(plain_pool("pool"), json!({"targetDedicatedNodes": 101}));
    create(&cloud, &body).await.expect(201);
    let pool = steady(&cloud, "pool").await;
    assert_eq!(pool["resizeErrors"][0]["code"], "AccountCoreQuotaReached");
    assert_eq!(pool["currentDedicatedNodes"], 0);
}

#[tokio::test]
async fn an_account_has_a_quota_of_pools() {
    let cloud = empty_cloud().await;
    let empty = json!({"targetDedicatedNodes": 0});
    for number in 0..100 {
        let pool = merged(plain_pool(&format!("pool-{number}")), empty.clone());
        create(&cloud, &pool).await.expect(201);
    }
    create(&cloud, &plain_pool("more")).await.expect_error(409, "PoolQuotaReached");
    delete(&cloud, "pool-7").await.expect(202);
    gone(&cloud, "pool-7").await;
    create(&cloud, &plain_pool("more")).await.expect(201);
}

#[tokio::test]
async fn a_pool_of_the_settings_is_a_pool_like_any_other() {
    let settings: PoolSettings = "pool:identity=/a,slots=3".parse().unwrap();
    let cloud = Cloud::start_with(|all| all.pools = vec![settings]).await;
    let pool = cloud.get("/pools/pool").await.body;
    assert_eq!(pool["identity"]["userAssignedIdentities"], json!([{"resourceId": "/a"}]));
    assert_eq!((&pool["state"], &pool["taskSlotsPerNode"]), (&json!("active"), &json!(3)));
    patch(&cloud, "pool", json!({"metadata": [{"name": "n", "value": "v"}]})).await.expect(200);
    delete(&cloud, "pool").await.expect(202);
    gone(&cloud, "pool").await;
}
