//! Pools that tests create.

use serde_json::{Value, json};

use super::client::Reply;
use super::{Cloud, until};

/// Returns the body of a pool with one dedicated node and without containers.
pub(crate) fn plain_pool(id: &str) -> Value {
    json!({
        "id": id,
        "vmSize": "Standard_D2s_v3",
        "virtualMachineConfiguration": {
            "imageReference": {
                "publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts",
            },
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
        },
        "targetDedicatedNodes": 1,
    })
}

/// Returns the body of a pool for containers.
pub(crate) fn container_pool(id: &str) -> Value {
    let mut pool = plain_pool(id);
    pool["virtualMachineConfiguration"]["containerConfiguration"] =
        json!({"type": "dockerCompatible", "containerImageNames": ["image"]});
    pool
}

/// Starts a cloud without pools.
pub(crate) async fn empty_cloud() -> Cloud {
    Cloud::start_with(|settings| settings.pools.clear()).await
}

pub(crate) async fn create(cloud: &Cloud, body: &Value) -> Reply {
    cloud.client.post("/pools").json(body).send().await
}

pub(crate) async fn delete(cloud: &Cloud, id: &str) -> Reply {
    cloud.client.delete(&format!("/pools/{id}")).send().await
}

pub(crate) async fn patch(cloud: &Cloud, id: &str, body: Value) -> Reply {
    cloud.client.patch(&format!("/pools/{id}")).json(&body).send().await
}

pub(crate) async fn replace(cloud: &Cloud, id: &str, body: Value) -> Reply {
    let path = format!("/pools/{id}/updateproperties");
    cloud.client.post(&path).json(&body).send().await
}

/// Returns the pool once it is steady.
pub(crate) async fn steady(cloud: &Cloud, id: &str) -> Value {
    until("a steady pool", || async {
        let pool = cloud.get(&format!("/pools/{id}")).await.expect(200).body;
        (pool["allocationState"] == "steady").then_some(pool)
    })
    .await
}

pub(crate) async fn gone(cloud: &Cloud, id: &str) {
    until(&format!("the pool {id} is gone"), || async {
        (cloud.get(&format!("/pools/{id}")).await.status == 404).then_some(())
    })
    .await;
}
