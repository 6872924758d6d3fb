//! Jobs.

use serde_json::{Value, json};

use super::exchanges::{Exchanges, slow_changes};
use crate::support::Cloud;

fn job(id: &str) -> Value {
    json!({"id": id, "poolInfo": {"poolId": "pool"}})
}

/// Disables, enables and terminates a job.
pub(super) async fn states() -> Exchanges {
    let cloud = Cloud::start_with(|settings| settings.state_delay = slow_changes()).await;
    let (client, mut seen) = (&cloud.client, Exchanges::default());
    cloud.job("states").await;
    seen.note("get an active job", client.get("/jobs/states")).await;
    let requeue = json!({"disableTasks": "requeue"});
    cloud.ask_job("states", "disable", requeue.clone()).await.expect(202);
    seen.note("get a disabling job", client.get("/jobs/states")).await;
    cloud.job_in_state("states", "disabled").await;
    seen.note("get a disabled job", client.get("/jobs/states")).await;
    cloud.ask_job("states", "enable", json!({})).await.expect(202);
    seen.note("get an enabled job", client.get("/jobs/states")).await;
    cloud.job("again").await;
    cloud.ask_job("again", "disable", requeue).await.expect(202);
    seen.note("enable a disabling job", client.post("/jobs/again/enable")).await;
    seen
}

/// Terminates and deletes jobs.
pub(super) async fn ends() -> Exchanges {
    let cloud = Cloud::start_with(|settings| {
        settings.state_delay = slow_changes();
        settings.deleted_id_delay = std::time::Duration::from_secs(3_600);
    })
    .await;
    let (client, mut seen) = (&cloud.client, Exchanges::default());
    cloud.job("a").await;
    seen.note("get a job before it ends", client.get("/jobs/a")).await;
    seen.note("terminate a job", client.post("/jobs/a/terminate")).await;
    seen.note("get a terminating job", client.get("/jobs/a")).await;
    cloud.job("forced").await;
    let forced = client.post("/jobs/forced/terminate").query("force", "true");
    forced.send().await.expect(202);
    let forced = client.delete("/jobs/forced").query("force", "true");
    seen.note("delete a terminating job with force", forced).await;
    failing(&cloud, &mut seen).await;
    cloud.job_in_state("a", "completed").await;
    seen.note("get a completed job", client.get("/jobs/a")).await;
    seen.note("create a job that is completed", client.post("/jobs").json(&job("a"))).await;
    cloud.job("b").await;
    seen.note("list jobs", client.get("/jobs")).await;
    seen.note("get a job to be deleted", client.get("/jobs/b")).await;
    seen.note("delete a job", client.delete("/jobs/b")).await;
    seen.note("get a deleting job", client.get("/jobs/b")).await;
    seen.note("create a job that is being deleted", client.post("/jobs").json(&job("b"))).await;
    cloud.gone("b").await;
    seen.note("get a deleted job", client.get("/jobs/b")).await;
    seen.note("create a job that was just deleted", client.post("/jobs").json(&job("b"))).await;
    emptied(&cloud, &mut seen).await;
    seen
}

/// A failed task terminates its job.
async fn failing(cloud: &Cloud, seen: &mut Exchanges) {
    cloud.job_with("failing", json!({"onTaskFailure": "performexitoptionsjobaction"})).await;
    cloud.script("failing", "task", "exit 1").await;
    cloud.job_in_state("failing", "terminating").await;
    seen.note("get a job terminated by a failed task", cloud.client.get("/jobs/failing")).await;
}

/// Jobs without tasks that are to end with their tasks.
async fn emptied(cloud: &Cloud, seen: &mut Exchanges) {
    let terminate = json!({"onAllTasksComplete": "terminatejob"});
    for id in ["empty", "disabled"] {
        cloud.job(id).await;
    }
    cloud.client.patch("/jobs/empty").json(&terminate).send().await.expect(200);
    let get = |id: &str| cloud.client.get(&format!("/jobs/{id}"));
    seen.note("get an empty job that was just patched to terminatejob", get("empty")).await;
    cloud.ask_job("disabled", "disable", json!({"disableTasks": "wait"})).await.expect(202);
    cloud.job_in_state("disabled", "disabled").await;
    cloud.client.patch("/jobs/disabled").json(&terminate).send().await.expect(200);
    cloud.job_in_state("empty", "completed").await;
    let name = "get a disabled empty job that was patched to terminatejob";
    seen.note(name, get("disabled")).await;
}
