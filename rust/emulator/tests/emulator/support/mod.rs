//! An emulator, a client and a blob server for tests.

pub(crate) mod assertions;
pub(crate) mod blobs;
pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod entra;
pub(crate) mod load;
pub(crate) mod pools;
pub(crate) mod processes;
pub(crate) mod program;
pub(crate) mod raw;
pub(crate) mod tls;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use azure_batch_emulator::{Emulator, Settings};
use client::{Client, Reply};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How often and at what interval a condition is checked before a test fails.
const TRIES: usize = 1200;
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) const ACCOUNT: &str = "batchacc";
/// Base64 of 32 bytes.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An emulator with the pool `pool` and the image `image`, which adds nothing to `/usr`.
pub(crate) struct Cloud {
    pub(crate) emulator: Emulator,
    pub(crate) client: Client,
    pub(crate) image: TempDir,
}

impl Cloud {
    pub(crate) async fn start() -> Cloud {
        Cloud::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Cloud {
        let image = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            account: ACCOUNT.to_owned(),
            key: KEY.to_owned(),
            pools: vec!["pool".into()],
            images: [("image".to_owned(), PathBuf::from(image.path()))].into(),
            ..Settings::default()
        };
        change(&mut settings);
        let emulator = Emulator::start(settings).await.unwrap();
        let client = Client::new(&emulator.endpoint());
        Cloud { emulator, client, image }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.client.get(path).send().await
    }

    /// Creates an active job in the pool.
    pub(crate) async fn job(&self, id: &str) {
        self.job_with(id, json!({})).await;
    }

    pub(crate) async fn job_with(&self, id: &str, extra: Value) {
        let body = merged(json!({"id": id, "poolInfo": {"poolId": "pool"}}), extra);
        self.client.post("/jobs").json(&body).send().await.expect(201);
    }

    /// Sends an asynchronous job operation of this name.
    pub(crate) async fn ask_job(&self, job: &str, operation: &str, body: Value) -> Reply {
        self.client.post(&format!("/jobs/{job}/{operation}")).json(&body).send().await
    }

    /// Creates a task that runs a shell script.
    pub(crate) async fn script(&self, job: &str, task: &str, script: &str) {
        self.script_with(job, task, script, json!({})).await;
    }

    pub(crate) async fn script_with(&self, job: &str, task: &str, script: &str, extra: Value) {
        let body = merged(shell_task(task, script), extra);
        self.client.post(&format!("/jobs/{job}/tasks")).json(&body).send().await.expect(201);
    }

    /// Runs a shell script as the only task of its own job, to its end.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.run_with(script, json!({})).await
    }

    pub(crate) async fn run_with(&self, script: &str, extra: Value) -> Value {
        self.job("run").await;
        self.script_with("run", "task", script, extra).await;
        self.completed("run", "task").await
    }

    /// Returns the task once it is completed.
    pub(crate) async fn completed(&self, job: &str, task: &str) -> Value {
        self.task_in_state(job, task, "completed").await
    }

    pub(crate) async fn task_in_state(&self, job: &str, task: &str, state: &str) -> Value {
        let path = format!("/jobs/{job}/tasks/{task}");
        until(&format!("{path} is {state}"), || async {
            let task = self.get(&path).await.expect(200).body;
            (task["state"] == state).then_some(task)
        })
        .await
    }

    pub(crate) async fn job_in_state(&self, job: &str, state: &str) -> Value {
        let path = format!("/jobs/{job}");
        until(&format!("{path} is {state}"), || async {
            let job = self.get(&path).await.expect(200).body;
            (job["state"] == state).then_some(job)
        })
        .await
    }

    /// Waits until a deleted job is gone.
    pub(crate) async fn gone(&self, job: &str) {
        let path = format!("/jobs/{job}");
        until(&format!("{path} is gone"), || async {
            (self.get(&path).await.status == 404).then_some(())
        })
        .await;
    }

    /// Returns a file of the task that [`Cloud::run`] ran.
    pub(crate) async fn output(&self, name: &str) -> String {
        self.get(&format!("/jobs/run/tasks/task/files/{name}")).await.expect(200).text
    }

    /// Waits until a task has written this to its standard output.
    pub(crate) async fn wait_for_output(&self, job: &str, task: &str, text: &str) {
        let path = format!("/jobs/{job}/tasks/{task}/files/stdout.txt");
        until(&format!("{text:?} in {path}"), || async {
            self.get(&path).await.text.contains(text).then_some(())
        })
        .await;
    }
}

/// Returns the body of a task that runs a shell script in the image.
pub(crate) fn shell_task(id: &str, script: &str) -> Value {
    let escaped = script.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
    json!({
        "id": id,
        "commandLine": format!("/bin/sh -c \"{escaped}\""),
        "containerSettings": {"imageName": "image"},
    })
}

/// Returns an object with the properties of another one added.
pub(crate) fn merged(mut body: Value, extra: Value) -> Value {
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Polls until there is a value; panics with a description if there is none in time.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    for _ in 0..TRIES {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("this did not come: {what}");
}
