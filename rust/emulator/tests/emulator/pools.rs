//! Pools: their JSON and their requirements for tasks.

use azure_batch_emulator::{Isolation, PoolSettings};
use serde_json::{Value, json};

use crate::support::{Cloud, merged, shell_task};

async fn cloud_of(pool: &str, isolation: Isolation) -> Cloud {
    let pool: PoolSettings = pool.parse().unwrap();
    Cloud::start_with(|settings| {
        settings.pools = vec![pool];
        settings.isolation = isolation;
    })
    .await
}

fn machines(pool: &Value) -> &Value {
    &pool["virtualMachineConfiguration"]
}

#[tokio::test]
async fn a_pool_shows_whether_it_is_for_containers() {
    let with = cloud_of("pool", Isolation::None).await.get("/pools/pool").await.expect(200).body;
    let images = &machines(&with)["containerConfiguration"]["containerImageNames"];
    assert_eq!(*images, json!(["docker.io/library/image:latest"]));
    let without = cloud_of("pool:containers=no", Isolation::None).await;
    let without = without.get("/pools/pool").await.expect(200).body;
    assert!(machines(&without)["nodeAgentSKUId"].is_string());
    assert!(machines(&without).get("containerConfiguration").is_none());
}

#[tokio::test]
async fn a_task_without_a_container_runs_as_a_plain_command_of_the_node() {
    for isolation in [Isolation::detect(), Isolation::None] {
        let cloud = cloud_of("pool:containers=no", isolation).await;
        let plain = json!({"containerSettings": null});
        let task = cloud.run_with("echo $PATH; pwd; echo $HOME; touch f", plain).await;
        assert_eq!(task["executionInfo"]["exitCode"], 0, "{task}");
        assert_eq!(task["executionInfo"]["containerInfo"], Value::Null);
        let output = cloud.output("stdout.txt").await;
        let lines: Vec<&str> = output.lines().collect();
        assert!(lines[0].starts_with("/usr/") && lines[1].ends_with("/wd"), "{output}");
        assert_eq!(lines[1], lines[2]);
        cloud.get("/jobs/run/tasks/task/files/wd/f").await.expect(200);
    }
}

#[tokio::test]
async fn a_task_with_a_container_fails_on_a_pool_without() {
    let cloud = cloud_of("pool:containers=no", Isolation::detect()).await;
    let execution = cloud.run("true").await["executionInfo"].clone();
    assert_eq!(execution["failureInfo"]["code"], "ContainerPoolNotSupported");
    assert_eq!(execution["exitCode"], Value::Null);
}

#[tokio::test]
async fn a_pool_has_the_slots_that_it_was_given() {
    let cloud = cloud_of("pool:slots=1", Isolation::detect()).await;
    assert_eq!(cloud.get("/pools/pool").await.expect(200).body["taskSlotsPerNode"], 1);
    cloud.job("job").await;
    let large = merged(shell_task("large", "true"), json!({"requiredSlots": 2}));
    let reply = cloud.client.post("/jobs/job/tasks").json(&large).send().await;
    reply.expect_error(400, "InvalidPropertyValue");
    cloud.script("job", "first", "echo up; sleep 600").await;
    cloud.script("job", "second", "true").await;
    cloud.wait_for_output("job", "first", "up").await;
    assert_eq!(cloud.get("/jobs/job/tasks/second").await.body["state"], "active");
    cloud.client.delete("/jobs/job/tasks/first").send().await.expect(200);
    cloud.completed("job", "second").await;
}

#[tokio::test]
async fn a_pool_that_does_not_exist_has_any_number_of_slots() {
    let cloud = Cloud::start().await;
    cloud.job_with("job", json!({"poolInfo": {"poolId": "later"}})).await;
    cloud.script_with("job", "large", "true", json!({"requiredSlots": 256})).await;
    let task = cloud.get("/jobs/job/tasks/large").await.expect(200).body;
    assert_eq!((&task["state"], &task["requiredSlots"]), (&json!("active"), &json!(256)));
}
