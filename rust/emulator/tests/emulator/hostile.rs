//! Malicious tasks: whatever they leave in their directory, no file of this machine outside is
//! read, written or removed, and the emulator continues.

use std::time::Duration;

use azure_batch_emulator::{Isolation, PoolSettings};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::Cloud;
use crate::support::blobs::BlobServer;

const FILES: &str = "/jobs/run/tasks/task/files";

/// Creates a file of this machine that tasks must not reach through the emulator.
fn secret() -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "secret").unwrap();
    file
}

fn text(file: &NamedTempFile) -> String {
    std::fs::read_to_string(file.path()).unwrap()
}

fn output(pattern: &str, url: &str, path: &str) -> Value {
    json!({
        "filePattern": pattern,
        "destination": {"container": {"containerUrl": url, "path": path}},
        "uploadOptions": {"uploadCondition": "taskcompletion"},
    })
}

#[tokio::test]
async fn upload_logs_are_new_files_whatever_the_task_left_with_their_names() {
    let blobs = BlobServer::start().await;
    let url = blobs.container("box", "w");
    for isolation in [Isolation::detect(), Isolation::None] {
        let cloud = Cloud::start_with(|settings| {
            settings.isolation = isolation;
            settings.deleted_id_delay = Duration::ZERO;
        })
        .await;
        let secret = secret();
        let path = secret.path().display();
        for place in [format!("ln -s {path} $f"), "mkfifo $f".into(), "mkdir -p $f/d/e".into()] {
            let script = format!(
                "for f in ../fileuploadout.txt ../fileuploaderr.txt; do {place}; done; touch a"
            );
            let outputs =
                json!({"outputFiles": [output("a", &url, "a"), output("a", "no URL", "a")]});
            let task = cloud.run_with(&script, outputs).await;
            assert_eq!(task["executionInfo"]["exitCode"], 0, "{place}: {task}");
            let noted = cloud.output("fileuploadout.txt").await;
            assert!(
                noted.contains("Uploaded ") && noted.contains("Failed with"),
                "{place}: {noted}"
            );
            assert!(cloud.output("fileuploaderr.txt").await.starts_with('{'), "{place}");
            assert_eq!(text(&secret), "secret", "{place}");
            cloud.client.delete("/jobs/run").send().await.expect(202);
            cloud.gone("run").await;
        }
    }
}

#[tokio::test]
async fn the_streams_of_a_task_are_its_files_or_nothing() {
    let (cloud, secret) = (Cloud::start().await, secret());
    let path = secret.path().display();
    let script = format!(
        "rm ../stdout.txt ../stderr.txt; mkfifo ../stdout.txt; ln -s /dev/zero ../stderr.txt; \
         ln -s {path} out; mkfifo fifo; ln -s fifo link; ln -s ../.. up; exit 1"
    );
    let task = cloud.run(&script).await;
    assert_eq!(task["executionInfo"]["exitCode"], 1, "{task}");
    for name in ["stdout.txt", "stderr.txt", "wd/out", "wd/fifo", "wd/link", "wd/up"] {
        cloud.get(&format!("{FILES}/{name}")).await.expect_error(404, "FileNotFound");
        cloud.client.head(&format!("{FILES}/{name}")).send().await.expect(404);
        let delete = cloud.client.delete(&format!("{FILES}/{name}")).query("recursive", "true");
        delete.send().await.expect_error(404, "FileNotFound");
    }
    let list = cloud.client.get(FILES).query("recursive", "true").send().await.expect(200);
    assert_eq!(list.ids("name"), ["wd"]);
    let task = cloud.get("/jobs/run/tasks/task").await.expect(200);
    let node = task.body["nodeInfo"]["nodeId"].as_str().unwrap();
    let of_node = format!("/pools/pool/nodes/{node}/files");
    for name in ["stdout.txt", "stderr.txt", "wd/out", "wd/fifo"] {
        let file = format!("{of_node}/workitems/run/job-1/task/{name}");
        cloud.get(&file).await.expect_error(404, "FileNotFound");
    }
    assert_eq!(text(&secret), "secret");
}

#[tokio::test]
async fn a_node_uploads_regular_files_and_links_to_them_and_logs_what_it_skips() {
    let (cloud, blobs, secret) = (Cloud::start().await, BlobServer::start().await, secret());
    let path = secret.path().display();
    let script = format!(
        "printf x > own; ln -s own link; ln -s {path} leak; mkfifo fifo; ln -s /dev/zero endless; \
         ln -s nothing dangling; mkdir d; ln -s d dir; printf y > d/f; touch \"$(printf 'a\\377')\"; \
         ln -s {} etc",
        secret.path().parent().unwrap().display()
    );
    let url = blobs.container("box", "w");
    let name = secret.path().file_name().unwrap().to_str().unwrap();
    let outputs = json!([
        output("**/*", &url, "all"),
        output("leak", &url, "leak"),
        output("fifo", &url, "fifo"),
        output(&format!("etc/{name}"), &url, "through"),
        output("dir/f", &url, "inside"),
    ]);
    let task = cloud.run_with(&script, json!({"outputFiles": outputs})).await;
    assert_eq!(task["executionInfo"]["result"], "success", "{task}");
    assert_eq!(blobs.names(), ["all/d/f", "all/link", "all/own", "inside"]);
    let noted = cloud.output("fileuploadout.txt").await;
    let skipped: Vec<_> = noted.lines().filter_map(|line| line.split_once("/task/wd/")).collect();
    let skipped = skipped.iter().filter(|(start, _)| start.contains(" Skipped "));
    let mut skipped: Vec<_> = skipped.filter_map(|(_, rest)| rest.split_once(": ")).collect();
    skipped.sort_unstable();
    skipped.dedup();
    let leads_out = "it is a broken link, or one that leads out of the task's directory";
    let expected = [
        ("a\u{fffd}", "its name is not UTF-8"),
        ("dangling", leads_out),
        ("endless", leads_out),
        ("etc", leads_out),
        ("fifo", "it is not a regular file"),
        ("leak", leads_out),
    ];
    assert_eq!(skipped.len(), expected.len() + 1, "{noted}");
    assert!(expected.iter().all(|one| skipped.contains(one)), "{noted}");
}

#[tokio::test]
async fn a_start_task_that_another_task_prepared_for_writes_nowhere_else() {
    let secret = secret();
    let pool = PoolSettings { start_task: Some("echo up".into()), ..PoolSettings::from("pool") };
    let cloud = Cloud::start_with(|settings| settings.pools = vec![pool]).await;
    let path = secret.path().display();
    let startup = "$AZ_BATCH_NODE_STARTUP_DIR";
    let script = format!(
        "cd {startup}; rm -rf wd stdout.txt; ln -s {path} stdout.txt; ln -s {} wd",
        secret.path().parent().unwrap().display()
    );
    cloud.run(&script).await;
    let node = cloud.emulator.node_ids("pool").unwrap().remove(0);
    let reboot = format!("/pools/pool/nodes/{node}/reboot");
    cloud.client.post(&reboot).send().await.expect(202);
    cloud.script("run", "after", "true").await;
    cloud.completed("run", "after").await;
    assert_eq!(text(&secret), "secret");
    let stdout = format!("/pools/pool/nodes/{node}/files/startup/stdout.txt");
    assert_eq!(cloud.get(&stdout).await.expect(200).text, "up\n");
}

#[tokio::test]
async fn thousands_of_directories_are_removed_with_their_job_and_with_the_emulator() {
    let cloud = Cloud::start().await;
    let script = "import os\nfor _ in range(25000):\n os.mkdir('d')\n os.chdir('d')";
    let line = format!("/usr/bin/python3 -c \"{script}\"");
    for job in ["one", "two"] {
        cloud.job(job).await;
        let task =
            json!({"id": "task", "commandLine": line, "containerSettings": {"imageName": "image"}});
        cloud.client.post(&format!("/jobs/{job}/tasks")).json(&task).send().await.expect(201);
        let task = cloud.completed(job, "task").await;
        assert_eq!(task["executionInfo"]["exitCode"], 0, "{task}");
    }
    // A path has at most 4,096 bytes, so deeper files have no path.
    let list = cloud.client.get("/jobs/one/tasks/task/files").query("recursive", "true");
    assert_eq!(list.send().await.expect(200).ids("name").len(), 1000);
    cloud.client.delete("/jobs/one").send().await.expect(202);
    cloud.gone("one").await;
    cloud.emulator.shutdown().await;
}

#[tokio::test]
async fn a_large_sparse_file_is_read_where_it_is_asked_for() {
    let cloud = Cloud::start().await;
    cloud.run("truncate -s 20G f; printf end >> f").await;
    let path = format!("{FILES}/wd/f");
    let file = cloud.client.head(&path).send().await.expect(200);
    assert_eq!(file.header("content-length"), (20 * (1_u64 << 30) + 3).to_string());
    let end = format!("bytes={}-", 20 * (1_u64 << 30));
    assert_eq!(cloud.client.get(&path).header("ocp-range", &end).send().await.text, "end");
    cloud.emulator.inject("get-task-file#1=cut".parse::<azure_batch_emulator::Fault>().unwrap());
    let cut = cloud.client.get(&path).header("ocp-range", "bytes=0-99999999").try_send().await;
    assert!(cut.is_err());
}
