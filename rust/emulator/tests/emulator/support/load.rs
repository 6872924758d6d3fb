//! Many tasks and many connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use super::client::Client;
use super::until;

/// The most tasks of a collection.
const COLLECTION: usize = 100;

/// Creates a job with this many tasks.
pub(crate) async fn create_tasks(
    client: &Client,
    job: &str,
    count: usize,
    task: impl Fn(usize) -> Value,
) {
    let body = json!({"id": job, "poolInfo": {"poolId": "pool"}});
    client.post("/jobs").json(&body).send().await.expect(201);
    let tasks: Vec<Value> = (0..count).map(task).collect();
    for tasks in tasks.chunks(COLLECTION) {
        let path = format!("/jobs/{job}/addtaskcollection");
        let reply = client.post(&path).json(&json!({"value": tasks})).send().await.expect(200);
        let added = reply.body["value"].as_array().unwrap();
        assert!(added.iter().all(|one| one["status"] == "Success"), "{}", reply.text);
    }
}

/// Waits until this many tasks of a job are completed, without a time limit as long as there is
/// progress.
pub(crate) async fn all_completed(client: &Client, job: &str, count: u64) {
    let path = format!("/jobs/{job}/taskcounts");
    let mut completed = 0;
    while completed < count {
        completed = until(&format!("more than {completed} completed tasks"), || async {
            let counts = client.get(&path).send().await.expect(200).body;
            counts["taskCounts"]["completed"].as_u64().filter(|now| *now > completed)
        })
        .await;
    }
}

/// Deletes a job and waits until it is gone.
pub(crate) async fn delete_job(client: &Client, job: &str) {
    let path = format!("/jobs/{job}");
    client.delete(&path).send().await.expect(202);
    until("a job that is gone", || async {
        (client.get(&path).send().await.status == 404).then_some(())
    })
    .await;
}

/// Returns all items of a list, page by page.
pub(crate) async fn all_items(client: &Client, path: &str) -> Vec<Value> {
    let mut page = client.get(path).send().await.expect(200).body;
    let mut items = Vec::new();
    loop {
        items.append(page["value"].as_array_mut().unwrap());
        let Some(next) = page["odata.nextLink"].as_str() else { return items };
        page = client.follow(next).await.expect(200).body;
    }
}

/// Opens this many connections, each of which polls these paths with a pause in between until
/// `enough` is set. Every request must be answered with 200. Returns the response times.
pub(crate) async fn poll(
    client: &Client,
    paths: &[String],
    connections: usize,
    pause: Duration,
    enough: &AtomicBool,
) -> Vec<Duration> {
    let one = |number: usize| async move {
        let mut times = Vec::new();
        while !enough.load(Ordering::Relaxed) {
            let path = &paths[(number + times.len()) % paths.len()];
            let start = Instant::now();
            client.get(path).send().await.expect(200);
            times.push(start.elapsed());
            tokio::time::sleep(pause).await;
        }
        times
    };
    join_all((0..connections).map(one)).await.concat()
}
