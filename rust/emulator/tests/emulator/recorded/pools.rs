//! Exchanges about pools.

use serde_json::json;

use super::exchanges::{Exchanges, slow_changes};
use crate::support::client::Request;
use crate::support::pools::{gone, plain_pool, steady};
use crate::support::{Cloud, merged};

pub(super) async fn all() -> Exchanges {
    let cloud = Cloud::start_with(|settings| {
        settings.pools.clear();
        settings.state_delay = slow_changes();
    })
    .await;
    let mut exchanges = Exchanges::default();
    let start = json!({"commandLine": "/bin/sh -c 'echo hello > hello.txt'"});
    let given = json!({
        "vmSize": "Standard_D1_v2",
        "networkConfiguration": {"enableAcceleratedNetworking": true},
        "targetDedicatedNodes": 4,
        "startTask": start,
        "userAccounts": [{"name": "user", "password": "x-y-z", "elevationLevel": "nonadmin"}],
    });
    let client = &cloud.client;
    let create = client.post("/pools").json(&merged(plain_pool("p"), given));
    exchanges.note("create a pool", create).await;
    exchanges.note("get a new pool", client.get("/pools/p")).await;
    exchanges.note("list the nodes of a new pool", client.get("/pools/p/nodes")).await;
    let none = json!({"targetDedicatedNodes": null});
    let empty = client.post("/pools").json(&merged(plain_pool("empty"), none));
    exchanges.note("create a pool without targets", empty).await;
    let metadata = json!([{"name": "foo2", "value": "bar2"}]);
    let patch = client.patch("/pools/p").json(&json!({"metadata": metadata}));
    exchanges.note("patch a pool", patch).await;
    exchanges.note("get a patched pool", client.get("/pools/p")).await;
    steady(&cloud, "p").await;
    exchanges.note("get a pool that became steady", client.get("/pools/p")).await;
    exchanges.note("count the nodes of pools", client.get("/nodecounts")).await;
    let metadata = json!([{"name": "foo", "value": "bar"}]);
    let new = json!({"metadata": metadata, "applicationPackageReferences": [], "startTask": start});
    let replace = client.post("/pools/p/updateproperties").json(&new);
    exchanges.note("replace the properties of a pool", replace).await;
    exchanges.note("get a pool with new properties", client.get("/pools/p")).await;
    exchanges.note("list the images for pools", client.get("/supportedimages")).await;
    exchanges.note("list the usage of pools", client.get("/poolusagemetrics")).await;
    steady(&cloud, "empty").await;
    let sizes = json!({"targetDedicatedNodes": 3, "targetLowPriorityNodes": 2});
    let resize = client.post("/pools/empty/resize").json(&sizes);
    exchanges.note("resize a pool", resize).await;
    exchanges.note("stop a resize", client.post("/pools/empty/stopresize")).await;
    exchanges.note("delete a pool", client.delete("/pools/p")).await;
    exchanges.note("patch a job with its own pool", patch_of_job(&cloud).await).await;
    gone(&cloud, "p").await;
    exchanges
}

/// Returns the request that patches an active job and names the pool that it has.
async fn patch_of_job(cloud: &Cloud) -> Request<'_> {
    cloud.job_with("job", json!({"poolInfo": {"poolId": "empty"}})).await;
    let constraints = json!({"maxTaskRetryCount": 3});
    let body =
        json!({"priority": 600, "constraints": constraints, "poolInfo": {"poolId": "empty"}});
    cloud.client.patch("/jobs/job").json(&body)
}
