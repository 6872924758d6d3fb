//! Images with an ENTRYPOINT.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use azure_batch_emulator::Isolation;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Cloud, merged, shell_task};

/// Creates an image whose program `tool` writes its arguments.
fn image(entry_point: &str) -> TempDir {
    let image = tempfile::tempdir().unwrap();
    let tool = image.path().join("bin/tool");
    std::fs::create_dir(image.path().join("bin")).unwrap();
    std::fs::write(&tool, "#!/bin/sh\nfor word; do printf '%s|' \"$word\"; done\n").unwrap();
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(image.path().join("entrypoint.json"), entry_point).unwrap();
    image
}

async fn start(image: &Path, isolation: Isolation) -> Cloud {
    Cloud::start_with(|settings| {
        settings.isolation = isolation;
        settings.images = [("tool".to_owned(), image.to_owned())].into();
    })
    .await
}

/// Returns a task of the image that runs a command line.
fn task(command_line: &str, options: Value) -> Value {
    let settings = merged(json!({"imageName": "tool"}), options);
    json!({"commandLine": command_line, "containerSettings": settings})
}

#[tokio::test]
async fn the_command_line_becomes_the_arguments_of_an_entry_point() {
    let image = image(r#"["tool", "first"]"#);
    for isolation in [Isolation::detect(), Isolation::None] {
        let cloud = start(image.path(), isolation).await;
        cloud.run_with("", task("/bin/sh -c 'echo a b'", json!({}))).await;
        assert_eq!(cloud.output("stdout.txt").await, "first|/bin/sh|-c|echo a b|");
    }
}

#[tokio::test]
async fn an_empty_command_line_runs_the_entry_point_alone() {
    let image = image(r#"["tool", "alone"]"#);
    let cloud = start(image.path(), Isolation::detect()).await;
    let ended = cloud.run_with("", task("", json!({}))).await;
    assert_eq!(ended["executionInfo"]["exitCode"], 0);
    assert_eq!(cloud.output("stdout.txt").await, "alone|");
}

#[tokio::test]
async fn run_options_replace_and_clear_an_entry_point() {
    let image = image(r#"["tool", "first"]"#);
    let cloud = start(image.path(), Isolation::detect()).await;
    let cases = [
        ("--entrypoint /bin/echo", "two words"),
        ("--entrypoint=/bin/echo", "two words"),
        ("--entrypoint=", "echo two words"),
        ("--entrypoint ''", "echo two words"),
    ];
    for (number, (options, command_line)) in cases.into_iter().enumerate() {
        let job = format!("job{number}");
        cloud.job(&job).await;
        let body = task(command_line, json!({"containerRunOptions": options}));
        cloud.script_with(&job, "task", "", body).await;
        cloud.completed(&job, "task").await;
        let output = cloud.get(&format!("/jobs/{job}/tasks/task/files/stdout.txt")).await.text;
        assert_eq!(output, "two words\n", "{options}");
    }
    cloud.job("none").await;
    let body = task("", json!({"containerRunOptions": "--entrypoint="}));
    cloud.script_with("none", "task", "", body).await;
    let execution = cloud.completed("none", "task").await["executionInfo"].clone();
    assert_eq!(execution["failureInfo"]["code"], "CommandLaunchFailed");
}

#[tokio::test]
async fn preparation_and_release_tasks_run_through_the_entry_point() {
    let image = image(r#"["tool"]"#);
    let cloud = start(image.path(), Isolation::detect()).await;
    let mut extra = json!({});
    for name in ["jobPreparationTask", "jobReleaseTask"] {
        extra[name] = task(&format!("of {name}"), json!({}));
    }
    cloud.job_with("job", extra).await;
    cloud.script_with("job", "task", "", task("", json!({}))).await;
    cloud.completed("job", "task").await;
    cloud.ask_job("job", "terminate", json!({"terminateReason": "done"})).await.expect(202);
    cloud.job_in_state("job", "completed").await;
    let status = cloud.get("/jobs/job/jobpreparationandreleasetaskstatus").await.expect(200).body;
    let node = status["value"][0]["nodeId"].as_str().unwrap();
    for (id, name) in [("jobpreparation", "jobPreparationTask"), ("jobrelease", "jobReleaseTask")] {
        let path = format!("/pools/pool/nodes/{node}/files/workitems/job/job-1/{id}/stdout.txt");
        assert_eq!(cloud.get(&path).await.expect(200).text, format!("of|{name}|"));
    }
}

#[tokio::test]
async fn an_image_without_an_entry_point_runs_the_command_line() {
    let image = image("[]");
    let cloud = start(image.path(), Isolation::detect()).await;
    let body = merged(shell_task("task", "echo plain"), json!({}));
    cloud.run_with("", task(body["commandLine"].as_str().unwrap(), json!({}))).await;
    assert_eq!(cloud.output("stdout.txt").await, "plain\n");
}
