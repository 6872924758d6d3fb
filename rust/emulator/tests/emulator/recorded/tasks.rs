//! Tasks.

use serde_json::{Value, json};

use super::exchanges::{Exchanges, slow_starts};
use crate::support::blobs::BlobServer;
use crate::support::{Cloud, merged, shell_task};

pub(super) async fn all() -> Exchanges {
    let cloud = Cloud::start_with(|settings| settings.state_delay = slow_starts()).await;
    let blobs = BlobServer::start().await;
    let mut seen = Exchanges::default();
    cloud.job("job").await;
    failed(&cloud, &mut seen).await;
    terminated(&cloud, &mut seen).await;
    not_started(&cloud, &blobs, &mut seen).await;
    accepted(&cloud, &blobs, &mut seen).await;
    seen
}

fn path(task: &str) -> String {
    format!("/jobs/job/tasks/{task}")
}

/// Keeps the answer about a task of the job `job` once it is completed.
async fn note_end(cloud: &Cloud, seen: &mut Exchanges, name: &'static str, task: &str) {
    cloud.completed("job", task).await;
    seen.note(name, cloud.client.get(&path(task))).await;
}

/// A task that fails, and its reactivation.
async fn failed(cloud: &Cloud, seen: &mut Exchanges) {
    let (client, task) = (&cloud.client, path("task"));
    let body = shell_task("task", "sleep 2; exit 3");
    seen.note("create a task", client.post("/jobs/job/tasks").json(&body)).await;
    seen.note("get an active task", client.get(&task)).await;
    cloud.task_in_state("job", "task", "running").await;
    seen.note("get a running task", client.get(&task)).await;
    note_end(cloud, seen, "get a task that failed", "task").await;
    seen.note("terminate a completed task", client.post(&format!("{task}/terminate"))).await;
    seen.note("reactivate a task", client.post(&format!("{task}/reactivate"))).await;
    seen.note("get a reactivated task", client.get(&task)).await;
    seen.note("delete a task", client.delete(&task)).await;
}

/// Tasks that are stopped.
async fn terminated(cloud: &Cloud, seen: &mut Exchanges) {
    let client = &cloud.client;
    cloud.job_with("later", json!({"poolInfo": {"poolId": "later"}})).await;
    cloud.script("later", "task", "true").await;
    let waiting = "/jobs/later/tasks/task";
    let file = client.get(&format!("{waiting}/files/stdout.txt"));
    seen.note("get a file of an active task", file).await;
    client.post(&format!("{waiting}/terminate")).send().await.expect(204);
    seen.note("get a task that was terminated while active", client.get(waiting)).await;
    let limit = json!({"constraints": {"maxWallClockTime": "PT1S"}});
    cloud.script_with("job", "limited", "sleep 600", limit).await;
    cloud.script("job", "long", "echo up; sleep 600").await;
    cloud.wait_for_output("job", "long", "up").await;
    let terminate = client.post(&format!("{}/terminate", path("long")));
    seen.note("terminate a running task", terminate).await;
    note_end(cloud, seen, "get a task that was terminated while running", "long").await;
    note_end(cloud, seen, "get a task whose time limit expired", "limited").await;
}

/// Tasks that do not start, or whose files do not.
async fn not_started(cloud: &Cloud, blobs: &BlobServer, seen: &mut Exchanges) {
    let streams = output("../std*.txt", &blobs.container("box", "w"), "taskcompletion");
    let line = json!({"commandLine": "no-such-program", "outputFiles": [streams]});
    cloud.script_with("job", "program", "", line).await;
    let image = json!({"containerSettings": {"imageName": "ghcr.io/none"}});
    cloud.script_with("job", "image", "true", image).await;
    cloud.script_with("job", "settings", "true", json!({"containerSettings": null})).await;
    let file = json!({"httpUrl": blobs.blob("none"), "filePath": "f"});
    cloud.script_with("job", "blob", "true", json!({"resourceFiles": [file]})).await;
    let output = output("../stdout.txt", &blobs.container("none", "w"), "taskcompletion");
    cloud.script_with("job", "container", "true", json!({"outputFiles": [output]})).await;
    note_end(cloud, seen, "get a task whose program does not exist", "program").await;
    let file = |name: &str| format!("{}/files/{name}", path("program"));
    let head = |name: &str| cloud.client.head(&file(name));
    let name = "get the stdout of a task whose program does not exist";
    seen.note(name, head("stdout.txt")).await;
    let name = "get the stderr of a task whose program does not exist";
    seen.note(name, head("stderr.txt")).await;
    let log = cloud.client.get(&file("fileuploadout.txt"));
    seen.note("get the upload log of a task that did not start", log).await;
    note_end(cloud, seen, "get a task whose image does not exist", "image").await;
    note_end(cloud, seen, "get a task without container settings", "settings").await;
    note_end(cloud, seen, "get a task whose blob does not exist", "blob").await;
    let name = "get a task whose container for output files does not exist";
    note_end(cloud, seen, name, "container").await;
}

/// Tasks that are created.
async fn accepted(cloud: &Cloud, blobs: &BlobServer, seen: &mut Exchanges) {
    let client = &cloud.client;
    let case = json!({
        "userIdentity": {"autoUser": {"scope": "Pool", "elevationLevel": "NonAdmin"}},
        "outputFiles": [output("*", &blobs.container("box", "w"), "TASKcompletion")],
    });
    let task = merged(shell_task("case", "true"), case);
    let create = || client.post("/jobs/job/tasks");
    let name = "create a task with enumerations in another case";
    seen.note(name, create().json(&task)).await;
    let name = "get a task with enumerations in another case";
    seen.note(name, client.get(&path("case"))).await;
    let many = json!({"value": [shell_task("collected", "true")]});
    let many = client.post("/jobs/job/addtaskcollection").json(&many);
    seen.note("create a collection of tasks", many).await;
    let file = json!({"httpUrl": blobs.blob(&"x".repeat(32_768)), "filePath": "f"});
    let task = merged(shell_task("large", "true"), json!({"resourceFiles": [file]}));
    seen.note("create a task with too many resource files", create().json(&task)).await;
}

fn output(pattern: &str, url: &str, condition: &str) -> Value {
    json!({
        "filePattern": pattern,
        "destination": {"container": {"containerUrl": url}},
        "uploadOptions": {"uploadCondition": condition},
    })
}
