//! Job schedules.

use serde_json::{Value, json};

use super::exchanges::{Exchanges, slow_changes};
use crate::support::{Cloud, until};

fn schedule(id: &str, schedule: Value) -> Value {
    let job = json!({
        "poolInfo": {"poolId": "pool"},
        "jobManagerTask": {"id": "task1", "commandLine": "sleep 600"},
    });
    json!({"id": id, "schedule": schedule, "jobSpecification": job})
}

/// Takes schedules from creation to deletion.
pub(super) async fn all() -> Exchanges {
    let cloud = Cloud::start_with(|settings| {
        settings.state_delay = slow_changes();
        settings.pools = vec!["pool:containers=no".parse().unwrap()];
    })
    .await;
    let (client, mut seen) = (&cloud.client, Exchanges::default());
    let create = |body: Value| client.post("/jobschedules").json(&body);
    let get = |id: &str| client.get(&format!("/jobschedules/{id}"));
    let change = |what: &str| client.post(&format!("/jobschedules/later/{what}"));
    let recurring = json!({"recurrenceInterval": "PT2M"});
    seen.note("create a job schedule", create(schedule("s", recurring))).await;
    seen.note("get a job schedule", get("s")).await;
    seen.note("get a job of a schedule", client.get("/jobs/s:job-1")).await;
    seen.note("list the jobs of a schedule", client.get("/jobschedules/s/jobs")).await;
    seen.note("ask whether a job schedule exists", client.head("/jobschedules/s")).await;
    let update = json!({"metadata": [{"name": "key1", "value": "value1"}]});
    seen.note("update a job schedule", client.patch("/jobschedules/s").json(&update)).await;
    let later = json!({"doNotRunUntil": "2050-01-01T00:00:00Z"});
    create(schedule("later", later)).send().await.expect(201);
    seen.note("get a job schedule that begins later", get("later")).await;
    seen.note("disable a job schedule", change("disable")).await;
    seen.note("get a disabled job schedule", get("later")).await;
    seen.note("enable a job schedule", change("enable")).await;
    seen.note("terminate a job schedule", change("terminate")).await;
    seen.note("get a terminating job schedule", get("later")).await;
    create(schedule("empty", json!({}))).send().await.expect(201);
    seen.note("get a job schedule without times", get("empty")).await;
    until("the end of the schedule", || async {
        (get("later").send().await.body["state"] == "completed").then_some(())
    })
    .await;
    seen.note("get a completed job schedule", get("later")).await;
    seen.note("delete a job schedule", client.delete("/jobschedules/later")).await;
    seen.note("get a deleting job schedule", get("later")).await;
    seen.note("delete a deleting job schedule", client.delete("/jobschedules/later")).await;
    seen
}
