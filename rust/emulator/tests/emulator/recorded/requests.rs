//! Requests about jobs, and what is wrong in requests.

use azure_batch_emulator::Fault;
use serde_json::{Value, json};

use super::exchanges::Exchanges;
use crate::support::client::now;
use crate::support::{ACCOUNT, Cloud, merged};

fn job(id: &str) -> Value {
    json!({"id": id, "poolInfo": {"poolId": "pool"}})
}

pub(super) async fn all() -> Exchanges {
    let cloud = Cloud::start().await;
    let mut seen = Exchanges::default();
    accepted(&cloud, &mut seen).await;
    refused(&cloud, &mut seen).await;
    let full = Cloud::start_with(|settings| settings.job_quota = 1).await;
    full.job("job").await;
    seen.note("create a job beyond the quota", full.client.post("/jobs").json(&job("b"))).await;
    seen
}

async fn accepted(cloud: &Cloud, seen: &mut Exchanges) {
    let client = &cloud.client;
    seen.note("create a job", client.post("/jobs").json(&job("job"))).await;
    seen.note("get a job", client.get("/jobs/job")).await;
    let asking = client.get("/jobs/job").header("return-client-request-id", "true");
    let asking = asking.header("client-request-id", "mine");
    seen.note("get a job with return-client-request-id", asking).await;
    let priority = json!({"priority": 1});
    seen.note("update a job", client.patch("/jobs/job").json(&priority)).await;
    seen.note("get an updated job", client.get("/jobs/job")).await;
    let pool = json!({"poolInfo": {"poolId": "pool"}});
    seen.note("replace a job", client.put("/jobs/job").json(&pool)).await;
    let years = json!({"constraints": {"maxWallClockTime": "P3Y6M4DT12H30M5S"}});
    client.post("/jobs").json(&merged(job("years"), years)).send().await;
    seen.note("get a job with a duration of years", client.get("/jobs/years")).await;
    let constraints = json!({"maxWallClockTime": "PT2H", "maxTaskRetryCount": 5});
    cloud.job_with("patched", json!({"constraints": constraints})).await;
    let hour = json!({"constraints": {"maxWallClockTime": "PT1H"}});
    client.patch("/jobs/patched").json(&hour).send().await.expect(200);
    seen.note("get a job whose constraints were patched", client.get("/jobs/patched")).await;
    seen.note("get a pool", client.get("/pools/pool")).await;
    seen.note("list nodes", client.get("/pools/pool/nodes")).await;
}

async fn refused(cloud: &Cloud, seen: &mut Exchanges) {
    let client = &cloud.client;
    seen.note("create a job that exists", client.post("/jobs").json(&job("job"))).await;
    let stale = client.patch("/jobs/job").json(&json!({"priority": 1})).header("if-match", "0x1");
    seen.note("update a job that changed", stale).await;
    seen.note("get a job that does not exist", client.get("/jobs/none")).await;
    seen.note("get a task that does not exist", client.get("/jobs/job/tasks/none")).await;
    seen.note("get a pool that does not exist", client.get("/pools/none")).await;
    seen.note("create a job with a wrong id", client.post("/jobs").json(&job("a.b"))).await;
    seen.note("create a job with a wrong body", client.post("/jobs").body("{\"id\":")).await;
    let large = json!({"id": "task", "commandLine": "x".repeat(1_048_576)});
    let large = client.post("/jobs/job/tasks").json(&large);
    seen.note("create a task with a body that is too large", large).await;
    let wrong = format!("SharedKey {ACCOUNT}:{}=", "A".repeat(43));
    let wrong = client.get("/jobs/job").send_as(&wrong, &now()).await;
    seen.keep("get a job with a wrong key", wrong);
    let unversioned = client.get("/jobs/job").without_version();
    seen.note("get a job without api-version", unversioned).await;
    let negative = client.get("/jobs").query("maxresults", "-5");
    seen.note("list jobs with maxresults -5", negative).await;
    let status = client.get("/jobs/job/jobpreparationandreleasetaskstatus");
    seen.note("list the preparation and release tasks of a job without", status).await;
    cloud.emulator.inject("list-pools=429,retry-after=30".parse::<Fault>().unwrap());
    seen.note("a request of too many", client.get("/pools")).await;
}
