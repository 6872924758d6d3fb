//! Pools that the service creates for jobs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::pools::{container_pool, create, empty_cloud, gone, plain_pool, steady};
use crate::support::{Cloud, merged, until};

/// Returns the specification of a pool for containers that is created for a job.
fn auto_pool(extra: Value) -> Value {
    let mut pool = container_pool("x");
    pool.as_object_mut().unwrap().remove("id");
    let auto = json!({"autoPoolIdPrefix": "Auto", "poolLifetimeOption": "job", "pool": pool});
    json!({"poolInfo": {"autoPoolSpecification": merged(auto, extra)}})
}

async fn create_job(cloud: &Cloud, pool: Value) -> Reply {
    let body = merged(json!({"id": "run"}), pool);
    cloud.client.post("/jobs").json(&body).send().await
}

/// Returns the id of the pool of the job.
async fn pool_of_job(cloud: &Cloud) -> String {
    let job = cloud.get("/jobs/run").await.expect(200).body;
    job["executionInfo"]["poolId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_job_has_a_pool_of_its_own_until_it_is_completed() {
    let cloud = empty_cloud().await;
    let given = auto_pool(json!({}));
    create_job(&cloud, given.clone()).await.expect(201);
    let job = cloud.get("/jobs/run").await.expect(200).body;
    assert_eq!(job["poolInfo"].get("poolId"), None);
    let shown = &job["poolInfo"]["autoPoolSpecification"];
    assert_eq!((&shown["autoPoolIdPrefix"], &shown["keepAlive"]), (&json!("Auto"), &json!(false)));
    assert_eq!(
        shown["pool"]["vmSize"],
        given["poolInfo"]["autoPoolSpecification"]["pool"]["vmSize"]
    );
    let id = pool_of_job(&cloud).await;
    assert!(id.starts_with("Auto_") && id.len() == "Auto_".len() + 36, "{id}");
    cloud.script("run", "task", "echo $AZ_BATCH_POOL_ID").await;
    cloud.completed("run", "task").await;
    assert_eq!(cloud.output("stdout.txt").await, format!("{id}\n"));
    cloud.client.post("/jobs/run/terminate").send().await.expect(202);
    cloud.job_in_state("run", "completed").await;
    gone(&cloud, &id).await;
    assert_eq!(pool_of_job(&cloud).await, id);
}

#[tokio::test]
async fn the_pool_of_a_job_goes_with_a_job_that_is_deleted() {
    let cloud = empty_cloud().await;
    create_job(&cloud, auto_pool(json!({}))).await.expect(201);
    let id = pool_of_job(&cloud).await;
    cloud.client.delete("/jobs/run").send().await.expect(202);
    cloud.gone("run").await;
    gone(&cloud, &id).await;
}

#[tokio::test]
async fn a_pool_that_is_kept_alive_outlives_its_job() {
    let cloud = empty_cloud().await;
    let id = {
        create_job(&cloud, auto_pool(json!({"keepAlive": true}))).await.expect(201);
        pool_of_job(&cloud).await
    };
    cloud.client.delete("/jobs/run").send().await.expect(202);
    cloud.gone("run").await;
    assert_eq!(steady(&cloud, &id).await["state"], "active");
}

#[tokio::test]
async fn whether_the_pool_of_a_job_is_kept_can_be_changed_and_nothing_else() {
    let cloud = empty_cloud().await;
    create_job(&cloud, auto_pool(json!({}))).await.expect(201);
    let id = pool_of_job(&cloud).await;
    let patch = |body: Value| cloud.client.patch("/jobs/run").json(&body).send();
    let refused = patch(auto_pool(json!({"autoPoolIdPrefix": "Other"}))).await;
    refused.expect_error(400, "InvalidPropertyValue");
    patch(json!({"poolInfo": {"poolId": "x"}})).await.expect_error(400, "UnsupportedProperty");
    patch(auto_pool(json!({"keepAlive": true}))).await.expect(200);
    cloud.client.delete("/jobs/run").send().await.expect(202);
    cloud.gone("run").await;
    assert_eq!(steady(&cloud, &id).await["state"], "active");
}

#[tokio::test]
async fn two_jobs_have_two_pools_and_a_pool_without_a_prefix_has_a_plain_id() {
    let cloud = empty_cloud().await;
    let mut ids = Vec::new();
    for job in ["one", "two"] {
        let mut body = merged(json!({"id": job}), auto_pool(json!({})));
        let auto = body["poolInfo"]["autoPoolSpecification"].as_object_mut().unwrap();
        auto.remove("autoPoolIdPrefix");
        cloud.client.post("/jobs").json(&body).send().await.expect(201);
        let job = cloud.get(&format!("/jobs/{job}")).await.body;
        ids.push(job["executionInfo"]["poolId"].as_str().unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[0].len(), 36);
    assert_eq!(cloud.get("/pools").await.ids("id").len(), 2);
}

#[tokio::test]
async fn what_is_wrong_in_the_pool_of_a_job_is_named() {
    let cloud = empty_cloud().await;
    let at = "poolInfo.autoPoolSpecification";
    let cases = [
        (json!({"autoPoolIdPrefix": "x".repeat(21)}), "InvalidPropertyValue", "autoPoolIdPrefix"),
        (json!({"autoPoolIdPrefix": "a b"}), "InvalidPropertyValue", "autoPoolIdPrefix"),
        (
            json!({"poolLifetimeOption": "jobschedule"}),
            "InvalidPropertyValue",
            "poolLifetimeOption",
        ),
        (json!({"pool": plain_pool("id")}), "InvalidRequestBody", "pool.id"),
        (json!({"pool": null}), "InvalidRequestBody", "pool"),
    ];
    for (extra, code, property) in cases {
        let refused = create_job(&cloud, auto_pool(extra)).await.expect_error(400, code);
        assert_eq!(refused.value("PropertyName"), format!("{at}.{property}"));
    }
    let mut wrong = auto_pool(json!({}));
    wrong["poolInfo"]["autoPoolSpecification"]["pool"]["vmSize"] = json!("");
    let refused = create_job(&cloud, wrong).await.expect_error(400, "InvalidPropertyValue");
    assert_eq!(refused.value("PropertyName"), format!("{at}.pool.vmSize"));
    let mut both = auto_pool(json!({}));
    both["poolInfo"]["poolId"] = json!("pool");
    create_job(&cloud, both).await.expect_error(400, "InvalidPropertyValue");
    let none = create_job(&cloud, json!({"poolInfo": {}})).await;
    none.expect_error(400, "MissingRequiredProperty");
    assert_eq!(cloud.get("/pools").await.body["value"], json!([]));
}

#[tokio::test]
async fn a_job_whose_pool_cannot_be_created_is_completed_and_says_why() {
    let cloud = empty_cloud().await;
    for number in 0..100 {
        let empty = json!({"targetDedicatedNodes": 0});
        let pool = merged(plain_pool(&format!("pool-{number}")), empty);
        create(&cloud, &pool).await.expect(201);
    }
    create_job(&cloud, auto_pool(json!({}))).await.expect(201);
    let job = cloud.get("/jobs/run").await.expect(200).body;
    assert_eq!(job["state"], "completed");
    let error = &job["executionInfo"]["schedulingError"];
    assert_eq!(error["code"], "AutoPoolCreationFailedWithQuotaReached");
    assert_eq!(error["category"], "UserError");
    assert!(job["executionInfo"]["endTime"].is_string());
}

/// Creates a schedule whose jobs share a pool, which end at once. Returns the first job's pool.
async fn create_schedule(cloud: &Cloud, schedule: Value, extra: Value) -> String {
    let shared = merged(json!({"poolLifetimeOption": "jobschedule"}), extra);
    let job = merged(auto_pool(shared), json!({"onAllTasksComplete": "noaction"}));
    let body = json!({"id": "often", "schedule": schedule, "jobSpecification": job});
    cloud.client.post("/jobschedules").json(&body).send().await.expect(201);
    pool_of(cloud, "often:job-1").await
}

async fn pool_of(cloud: &Cloud, job: &str) -> String {
    let path = format!("/jobs/{job}");
    let job = until(&format!("{path} exists"), || async {
        let reply = cloud.get(&path).await;
        (reply.status == 200).then_some(reply.body)
    })
    .await;
    job["executionInfo"]["poolId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_jobs_of_a_schedule_share_its_pool_until_the_schedule_ends() {
    let cloud = Cloud::start_with(|settings| {
        settings.pools.clear();
        settings.schedule_minimum = Duration::ZERO;
    })
    .await;
    let recurring = json!({"recurrenceInterval": "PT1S"});
    let first = create_schedule(&cloud, recurring, json!({})).await;
    cloud.client.post("/jobs/often:job-1/terminate").send().await.expect(202);
    let second = pool_of(&cloud, "often:job-2").await;
    assert_eq!(first, second);
    assert_eq!(cloud.get("/pools").await.ids("id"), std::slice::from_ref(&first));
    cloud.client.post("/jobschedules/often/terminate").send().await.expect(202);
    gone(&cloud, &first).await;
}

#[tokio::test]
async fn the_pool_of_a_deleted_schedule_goes_unless_it_is_kept() {
    for keep_alive in [false, true] {
        let cloud = empty_cloud().await;
        let id = create_schedule(&cloud, json!({}), json!({"keepAlive": keep_alive})).await;
        steady(&cloud, &id).await;
        cloud.client.delete("/jobschedules/often").send().await.expect(202);
        until("the schedule is gone", || async {
            (cloud.get("/jobschedules/often").await.status == 404).then_some(())
        })
        .await;
        match keep_alive {
            true => assert_eq!(cloud.get(&format!("/pools/{id}")).await.body["state"], "active"),
            false => gone(&cloud, &id).await,
        }
    }
}

#[tokio::test]
async fn the_pool_of_a_schedule_goes_with_it_also_if_its_later_jobs_have_another() {
    let cloud = empty_cloud().await;
    let id = create_schedule(&cloud, json!({}), json!({})).await;
    steady(&cloud, &id).await;
    let other = json!({"jobSpecification": {"poolInfo": {"poolId": "other"}}});
    cloud.client.put("/jobschedules/often").json(&other).send().await.expect(200);
    assert_eq!(cloud.get(&format!("/pools/{id}")).await.body["state"], "active");
    cloud.client.delete("/jobschedules/often").send().await.expect(202);
    gone(&cloud, &id).await;
}

#[tokio::test]
async fn each_job_of_a_schedule_can_have_a_pool_of_its_own() {
    let cloud = empty_cloud().await;
    let own = json!({"poolLifetimeOption": "job"});
    let first = create_schedule(&cloud, json!({}), own).await;
    cloud.client.post("/jobs/often:job-1/terminate").send().await.expect(202);
    cloud.job_in_state("often:job-1", "completed").await;
    gone(&cloud, &first).await;
}
