//! Volumes of containers, as containerRunOptions name them.

use serde_json::{Value, json};

use crate::support::Cloud;

/// Runs a script with these options. Returns the executionInfo of the task.
async fn run(cloud: &Cloud, task: &str, script: &str, options: &str) -> Value {
    let container = json!({"imageName": "image", "containerRunOptions": options});
    cloud.script_with("job", task, script, json!({"containerSettings": container})).await;
    cloud.completed("job", task).await["executionInfo"].clone()
}

#[tokio::test]
async fn a_volume_is_a_directory_of_the_node() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let shared = "-v /mnt/batch/tasks/fsmounts/share:/data";
    run(&cloud, "one", "echo text > /data/f; ls /empty", &format!("{shared} -v /new/dir:/empty"))
        .await;
    let script = "cat /data/f && ! echo x > /data/f && ls /certificates > /dev/null";
    let options = format!("{shared}:ro -v /etc/ssl/certs:/certificates:ro");
    let two = run(&cloud, "two", script, &options).await;
    assert_eq!(two["exitCode"], 0, "{two}");
    let output = cloud.get("/jobs/job/tasks/two/files/stdout.txt").await.expect(200).text;
    assert_eq!(output, "text\n");
    assert_eq!(cloud.get("/jobs/job/tasks/one/files/stdout.txt").await.text, "");
    let node = cloud.emulator.node_ids("pool").unwrap().remove(0);
    let files = cloud.get(&format!("/pools/pool/nodes/{node}/files")).await.expect(200);
    assert!(!files.ids("name").contains(&"volumes".to_owned()), "{}", files.text);
}

#[tokio::test]
async fn a_volume_leads_neither_to_other_tasks_nor_out_of_the_node() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    run(&cloud, "link", "ln -s /etc $AZ_BATCH_NODE_SHARED_DIR/out", "--rm").await;
    let sources = [
        "/mnt/batch/tasks",
        "/mnt/batch/tasks/workitems",
        "/mnt/batch/tasks/workitems/job/job-1/link",
        "/mnt/batch/tasks/etc",
        "/mnt/batch/tasks/shared/../workitems",
        "/mnt/batch/tasks/shared/out",
        "/usr/../etc",
        "/x/../../y",
    ];
    for (number, source) in sources.into_iter().enumerate() {
        let task = format!("task-{number}");
        let end = run(&cloud, &task, "true", &format!("-v {source}:/data")).await;
        assert_eq!(end["failureInfo"]["code"], "ContainerInvalidSettings", "{source}: {end}");
        assert_eq!(end["exitCode"], Value::Null);
    }
}
