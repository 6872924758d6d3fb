//! Files of tasks, and the nodes of pools.

use azure_batch_emulator::ResizeError;
use serde_json::json;

use super::exchanges::Exchanges;
use crate::support::{Cloud, until};

const FILES: &str = "/jobs/run/tasks/task/files";

pub(super) async fn all() -> Exchanges {
    let cloud = Cloud::start().await;
    let mut seen = Exchanges::default();
    cloud.run("printf 1234; mkdir a b; touch a/x").await;
    let stdout = format!("{FILES}/stdout.txt");
    seen.note("get a file", cloud.client.get(&stdout)).await;
    seen.note("get the properties of a file", cloud.client.head(&stdout)).await;
    let none = cloud.client.head(&format!("{FILES}/none"));
    seen.note("get the properties of a file that does not exist", none).await;
    let all = cloud.client.get(FILES).query("recursive", "true");
    seen.note("list files recursively", all).await;
    resized(&mut seen).await;
    seen
}

/// A pool whose resize fails, and which gets its nodes later.
async fn resized(seen: &mut Exchanges) {
    let cloud = Cloud::start().await;
    let failure = ResizeError::new("AllocationFailed", "there are none");
    cloud.emulator.fail_allocations("pool", Some(failure)).unwrap();
    let two = json!({"targetDedicatedNodes": 2});
    cloud.client.post("/pools/pool/resize").json(&two).send().await.expect(202);
    let pool = || cloud.client.get("/pools/pool");
    until("a failed resize", || async {
        let pool = pool().send().await.expect(200).body;
        (pool["allocationState"] == "steady" && pool["resizeErrors"] != json!(null)).then_some(())
    })
    .await;
    cloud.emulator.fail_allocations("pool", None).unwrap();
    let nodes = || async {
        let pool = pool().send().await.expect(200).body;
        (pool["currentDedicatedNodes"] == 2).then_some(())
    };
    until("two nodes", nodes).await;
    seen.note("get a pool whose resize failed, after nodes came", pool()).await;
}
