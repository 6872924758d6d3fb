//! What the account tells of its pools: images, numbers of nodes, usage.

use azure_batch_emulator::PoolSettings;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::support::pools::{create, empty_cloud, plain_pool};
use crate::support::{Cloud, merged};

async fn cloud_of(pools: &[&str]) -> Cloud {
    let pools: Vec<PoolSettings> = pools.iter().map(|pool| pool.parse().unwrap()).collect();
    Cloud::start_with(|settings| settings.pools = pools).await
}

#[tokio::test]
async fn every_image_that_is_listed_can_be_that_of_a_pool() {
    let cloud = empty_cloud().await;
    let list = cloud.get("/supportedimages").await.expect(200).body;
    assert!(list["odata.metadata"].as_str().unwrap().ends_with("$metadata#supportedimages"));
    let images = list["value"].as_array().unwrap();
    assert!(images.len() > 10);
    for (number, image) in images.iter().enumerate() {
        let machine = json!({
            "imageReference": image["imageReference"],
            "nodeAgentSKUId": image["nodeAgentSKUId"],
        });
        let extra = json!({"virtualMachineConfiguration": machine, "targetDedicatedNodes": 0});
        let pool = merged(plain_pool(&format!("pool-{number}")), extra);
        create(&cloud, &pool).await.expect(201);
    }
}

#[tokio::test]
async fn images_are_filtered_and_come_in_pages() {
    let cloud = empty_cloud().await;
    let all = cloud.get("/supportedimages").await.body["value"].as_array().unwrap().clone();
    let verified = cloud.client.get("/supportedimages");
    let verified =
        verified.query("$filter", "verificationType eq 'verified' and osType eq 'linux'");
    let verified = verified.send().await.expect(200).body["value"].as_array().unwrap().clone();
    let wanted = all.iter().filter(|image| image["verificationType"] == "verified");
    assert_eq!(verified, wanted.cloned().collect::<Vec<_>>());
    assert!(verified.len() < all.len());
    let mut page = cloud.client.get("/supportedimages").query("maxresults", "5").send().await;
    let mut found = page.body["value"].as_array().unwrap().clone();
    while let Some(link) = page.body["odata.nextLink"].as_str() {
        page = cloud.client.follow(link).await.expect(200);
        found.extend(page.body["value"].as_array().unwrap().clone());
    }
    assert_eq!(found, all);
    let unknown = cloud.client.get("/supportedimages").query("$filter", "publisher eq 'canonical'");
    unknown.send().await.expect_error(400, "InvalidQueryParameterValue");
}

#[tokio::test]
async fn the_nodes_of_each_pool_are_counted_by_kind_and_state() {
    let cloud = cloud_of(&["pool:nodes=2,low-priority=1", "slow:start-delay=600000"]).await;
    let nodes = cloud.emulator.node_ids("pool").unwrap();
    cloud.emulator.preempt_node("pool", &nodes[2]).unwrap();
    cloud.job("job").await;
    cloud.script("job", "task", "sleep 600").await;
    cloud.task_in_state("job", "task", "running").await;
    let list = cloud.get("/nodecounts").await.expect(200);
    assert_eq!(list.ids("poolId"), ["pool", "slow"]);
    assert!(list.body["odata.metadata"].as_str().unwrap().ends_with("$metadata#poolnodecounts"));
    let [pool, slow] = [0, 1].map(|at| list.body["value"][at].clone());
    let not_zero = |counts: &Value| {
        let counts = counts.as_object().unwrap();
        assert_eq!(counts.len(), 17);
        let present = counts.iter().filter(|(_, count)| **count != 0);
        present.map(|(name, count)| (name.clone(), count.clone())).collect::<Value>()
    };
    assert_eq!(not_zero(&pool["dedicated"]), json!({"idle": 1, "running": 1, "total": 2}));
    assert_eq!(not_zero(&pool["lowPriority"]), json!({"preempted": 1, "total": 1}));
    assert_eq!(not_zero(&slow["dedicated"]), json!({"starting": 1, "total": 1}));
    let one = cloud.client.get("/nodecounts").query("$filter", "poolId eq 'SLOW'").send().await;
    assert_eq!(one.expect(200).ids("poolId"), ["slow"]);
    cloud.emulator.shutdown().await;
}

#[tokio::test]
async fn usage_is_available_two_and_a_half_hours_later() {
    let cloud = cloud_of(&["pool"]).await;
    let list = cloud.get("/poolusagemetrics").await.expect(200).body;
    assert!(list["odata.metadata"].as_str().unwrap().ends_with("$metadata#poolusagemetrics"));
    assert_eq!(list["value"], json!([]));
    let ago = |minutes| {
        (OffsetDateTime::now_utc() - Duration::minutes(minutes)).format(&Rfc3339).unwrap()
    };
    let cases = [
        ("startTime", ago(149), 400),
        ("startTime", ago(151), 200),
        ("endtime", ago(119), 400),
        ("endtime", ago(121), 200),
        ("endtime", "yesterday".to_owned(), 400),
    ];
    for (name, value, status) in cases {
        let reply = cloud.client.get("/poolusagemetrics").query(name, &value).send().await;
        assert_eq!(reply.status, status, "{name} {value}: {}", reply.text);
        if status == 400 {
            reply.expect_error(400, "InvalidQueryParameterValue");
        }
    }
    let filtered = cloud.client.get("/poolusagemetrics").query("$filter", "poolId eq 'pool'");
    filtered.send().await.expect(200);
}
