//! Many tasks, many connections, long use. `make bench` measures what these tests only bound.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use azure_batch_emulator::PoolSettings;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::support::load::{all_completed, all_items, create_tasks, delete_job, poll};
use crate::support::program::{client, program, resident_memory};
use crate::support::{Cloud, shell_task};

#[tokio::test]
async fn two_thousand_tasks_end_with_their_own_exit_codes_and_logs() {
    const TASKS: usize = 2000;
    let pool: PoolSettings = "pool:nodes=4,slots=4".parse().unwrap();
    let cloud = Cloud::start_with(|settings| settings.pools = vec![pool]).await;
    let task = |n| {
        shell_task(&format!("t{n}"), &format!("echo out {n}; echo err {n} >&2; exit {}", n % 5))
    };
    create_tasks(&cloud.client, "job", TASKS, task).await;
    all_completed(&cloud.client, "job", TASKS as u64).await;
    let tasks = all_items(&cloud.client, "/jobs/job/tasks").await;
    let nodes: BTreeSet<_> =
        tasks.iter().map(|task| task["nodeInfo"]["nodeId"].to_string()).collect();
    assert_eq!((tasks.len(), nodes.len()), (TASKS, 4));
    let cloud = &cloud;
    stream::iter(tasks).for_each_concurrent(16, |task| check(cloud, task)).await;
}

async fn check(cloud: &Cloud, task: Value) {
    let id = task["id"].as_str().unwrap();
    let n: usize = id[1..].parse().unwrap();
    assert_eq!(task["executionInfo"]["exitCode"], n % 5, "{task}");
    for (name, text) in [("stdout.txt", "out"), ("stderr.txt", "err")] {
        let file = cloud.get(&format!("/jobs/job/tasks/{id}/files/{name}")).await.expect(200);
        assert_eq!(file.text, format!("{text} {n}\n"));
    }
}

#[tokio::test]
async fn five_hundred_connections_that_poll_are_all_answered_while_tasks_run() {
    const TASKS: usize = 100;
    let cloud = Cloud::start_with(|settings| settings.pools = vec!["pool".into()]).await;
    create_tasks(&cloud.client, "job", TASKS, |n| shell_task(&format!("t{n}"), "exit 0")).await;
    let mut paths: Vec<String> = (0..TASKS).map(|n| format!("/jobs/job/tasks/t{n}")).collect();
    paths.push("/jobs/job".to_owned());
    let enough = AtomicBool::new(false);
    let ended = async {
        all_completed(&cloud.client, "job", TASKS as u64).await;
        enough.store(true, Ordering::Relaxed);
    };
    let poll = poll(&cloud.client, &paths, 500, Duration::from_secs(2), &enough);
    let (times, ()) = tokio::join!(poll, ended);
    assert!(times.len() >= 500, "each of 500 connections asked at least once: {}", times.len());
}

/// Runs many tasks in a job, and deletes it.
async fn use_up(client: &crate::support::client::Client, count: usize) {
    let task = |n| {
        json!({
            "id": format!("t{n}"),
            "commandLine": "true",
            "constraints": {"retentionTime": "PT1H"},
        })
    };
    create_tasks(client, "job", count, task).await;
    all_completed(client, "job", count as u64).await;
    delete_job(client, "job").await;
}

#[tokio::test]
async fn memory_does_not_grow_with_the_tasks_that_were() {
    const MARGIN: u64 = 4 * 1024 * 1024;
    let root = tempfile::tempdir().unwrap();
    let root = root.path().to_str().unwrap();
    let pool = "pool:nodes=4,slots=4,containers=no";
    let switches = ["--pool", pool, "--isolation", "none", "--node-root", root];
    let mut child = program(&switches).args(["--deleted-id-delay", "0"]).spawn().unwrap();
    let client = client(&mut child).await;
    use_up(&client, 300).await;
    let before = resident_memory(&child);
    for _ in 0..3 {
        use_up(&client, 300).await;
    }
    let after = resident_memory(&child);
    assert!(after < before + MARGIN, "{before} bytes after 300 tasks, {after} after 1200");
}
