//! Output files.

use azure_batch_emulator::WildcardBase;
use serde_json::{Value, json};

use crate::support::blobs::BlobServer;
use crate::support::{Cloud, merged, shell_task};

fn output(pattern: &str, url: &str, path: Value, condition: &str) -> Value {
    json!({
        "filePattern": pattern,
        "destination": {"container": {"containerUrl": url, "path": path}},
        "uploadOptions": {"uploadCondition": condition},
    })
}

/// Runs a script with one output file. Returns its executionInfo.
async fn upload(cloud: &Cloud, script: &str, output: Value) -> Value {
    let task = cloud.run_with(script, json!({"outputFiles": [output]})).await;
    task["executionInfo"].clone()
}

#[tokio::test]
async fn without_a_wildcard_the_path_is_the_blobs_name() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let file = output("d/f.txt", &blobs.container("box", "w"), json!("out/g"), "tasksuccess");
    let execution = upload(&cloud, "mkdir d; printf x > d/f.txt", file).await;
    assert_eq!(execution["result"], "success");
    assert_eq!(blobs.names(), ["out/g"]);
    assert_eq!(blobs.text("out/g").as_deref(), Some("x"));
}

#[tokio::test]
async fn with_a_wildcard_the_path_is_a_directory_and_the_sub_path_is_kept() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let files = output("**/*.txt", &blobs.container("box", "w"), json!("out/"), "taskcompletion");
    let script = "mkdir -p d/e .h; touch a.txt d/e/b.txt .c.txt .h/d.txt e.bin 'f #é.txt'";
    upload(&cloud, script, files).await;
    assert_eq!(blobs.names(), ["out/a.txt", "out/d/e/b.txt", "out/f #é.txt"]);
}

#[tokio::test]
async fn the_standard_streams_are_uploaded_by_a_pattern_that_leaves_wd() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let files = output("../std*.txt", &blobs.container("box", "w"), json!("logs"), "taskfailure");
    upload(&cloud, "echo out; exit 1", files).await;
    assert_eq!(blobs.names(), ["logs/stderr.txt", "logs/stdout.txt"]);
    assert_eq!(blobs.text("logs/stdout.txt").as_deref(), Some("out\n"));
}

#[tokio::test]
async fn without_a_path_a_stream_keeps_its_name() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let file = output("../stdout.txt", &blobs.container("box", "w"), Value::Null, "tasksuccess");
    upload(&cloud, "echo out", file).await;
    assert_eq!(blobs.names(), ["stdout.txt"]);
}

#[tokio::test]
async fn without_a_path_a_blob_is_named_as_its_file_is_below_the_base() {
    for (base, name) in [(WildcardBase::Pattern, "f"), (WildcardBase::WorkingDirectory, "d/e/f")] {
        for pattern in ["d/e/*", "d/e/f"] {
            let cloud = Cloud::start_with(|settings| settings.wildcard_base = base).await;
            let blobs = BlobServer::start().await;
            let file = output(pattern, &blobs.container("box", "w"), Value::Null, "tasksuccess");
            upload(&cloud, "mkdir -p d/e; touch d/e/f", file).await;
            assert_eq!(blobs.names(), [name], "{pattern}");
        }
    }
}

#[tokio::test]
async fn variables_in_a_pattern_are_expanded() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let pattern = "$AZ_BATCH_TASK_WORKING_DIR/$AZ_BATCH_TASK_ID.*";
    let file = output(pattern, &blobs.container("box", "w"), Value::Null, "tasksuccess");
    upload(&cloud, "touch task.a other.b", file).await;
    assert_eq!(blobs.names(), ["task.a"]);
}

#[tokio::test]
async fn the_condition_decides_what_is_uploaded() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let url = blobs.container("box", "w");
    let on = |condition: &str| output("../stdout.txt", &url, json!(condition), condition);
    let outputs = json!([on("tasksuccess"), on("taskfailure"), on("taskcompletion")]);
    for (job, script) in [("good", "true"), ("bad", "false")] {
        cloud.job(job).await;
        cloud.script_with(job, "task", script, json!({"outputFiles": outputs})).await;
        cloud.completed(job, "task").await;
        let other = if job == "good" { "taskfailure" } else { "tasksuccess" };
        assert_eq!(blobs.text(other), None, "{job}");
        blobs.clear();
    }
}

#[tokio::test]
async fn a_failed_upload_fails_the_task_and_leaves_its_exit_code() {
    let cases =
        [("box", "r", "FileUploadAccessDenied"), ("none", "w", "FileUploadContainerNotFound")];
    for (container, permissions, code) in cases {
        let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
        let url = blobs.container(container, permissions);
        let execution =
            upload(&cloud, "true", output("../stdout.txt", &url, Value::Null, "tasksuccess")).await;
        assert_eq!(execution["exitCode"], 0);
        assert_eq!(execution["result"], "failure");
        assert_eq!(execution["failureInfo"]["code"], code);
        assert!(cloud.output("fileuploaderr.txt").await.contains(code));
        assert!(!execution.to_string().contains("sig="));
    }
}

#[tokio::test]
async fn a_failed_upload_does_not_hide_why_the_task_failed() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let url = blobs.container("none", "w");
    let log = output("../stdout.txt", &url, Value::Null, "taskcompletion");
    let execution = upload(&cloud, "exit 3", log).await;
    assert_eq!(execution["failureInfo"]["code"], "FailureExitCode");
    assert!(cloud.output("fileuploaderr.txt").await.contains("FileUploadContainerNotFound"));
}

#[tokio::test]
async fn a_container_url_with_restype_is_refused() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let url = format!("{}&restype=container", blobs.container("box", "w"));
    let execution =
        upload(&cloud, "true", output("../stdout.txt", &url, Value::Null, "tasksuccess")).await;
    assert_eq!(execution["failureInfo"]["code"], "FileUploadMiscError");
}

#[tokio::test]
async fn a_pattern_that_matches_nothing_is_no_failure() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let url = blobs.container("box", "w");
    let of = |pattern: &str| output(pattern, &url, Value::Null, "tasksuccess");
    let outputs = json!({"outputFiles": [of("*.none"), of("none.txt")]});
    let task = cloud.run_with("true", outputs).await;
    assert_eq!(task["executionInfo"]["result"], "success");
    assert!(blobs.names().is_empty());
}

#[tokio::test]
async fn the_logs_of_a_terminated_task_are_uploaded_before_it_is_completed() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let file =
        output("../stdout.txt", &blobs.container("box", "w"), json!("log"), "taskcompletion");
    cloud.job("job").await;
    cloud.script_with("job", "task", "echo up; sleep 600", json!({"outputFiles": [file]})).await;
    cloud.wait_for_output("job", "task", "up").await;
    cloud.client.post("/jobs/job/tasks/task/terminate").send().await.expect(204);
    cloud.completed("job", "task").await;
    assert_eq!(blobs.text("log").as_deref(), Some("up\n"));
}

#[tokio::test]
async fn a_pattern_or_a_link_cannot_reach_files_beside_the_task() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let url = blobs.container("box", "w");
    let file = output("../../../../etc/*", &url, Value::Null, "tasksuccess");
    let execution = upload(&cloud, "true", file).await;
    assert_eq!(execution["failureInfo"]["code"], "FileUploadMiscError");
    cloud.job("link").await;
    let outputs = json!({"outputFiles": [output("*", &url, Value::Null, "tasksuccess")]});
    cloud.script_with("link", "task", "ln -s /etc/passwd out; touch own", outputs).await;
    cloud.completed("link", "task").await;
    assert_eq!(blobs.names(), ["own"]);
}

#[tokio::test]
async fn the_sub_path_of_a_wildcard_begins_at_wd_or_after_its_fixed_directories() {
    let bases = [(WildcardBase::WorkingDirectory, "d/e/f"), (WildcardBase::Pattern, "e/f")];
    for (base, kept) in bases {
        let cloud = Cloud::start_with(|settings| settings.wildcard_base = base).await;
        let blobs = BlobServer::start().await;
        let files = output("d/**/*", &blobs.container("box", "w"), json!("out"), "tasksuccess");
        upload(&cloud, "mkdir -p d/e; touch d/e/f .hidden", files).await;
        assert_eq!(blobs.names(), [format!("out/{kept}")]);
    }
}

#[tokio::test]
async fn a_task_that_cannot_start_uploads_nothing() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let file = output("../*.txt", &blobs.container("box", "w"), Value::Null, "taskcompletion");
    let line = json!({"commandLine": "no-such-program", "outputFiles": [file]});
    let execution = cloud.run_with("", line).await["executionInfo"].clone();
    assert_eq!(execution["failureInfo"]["code"], "CommandProgramNotFound");
    assert!(blobs.names().is_empty(), "{:?}", blobs.names());
    for name in ["fileuploadout.txt", "fileuploaderr.txt"] {
        let path = format!("/jobs/run/tasks/task/files/{name}");
        cloud.get(&path).await.expect_error(404, "FileNotFound");
    }
}

#[tokio::test]
async fn a_requeued_task_uploads_nothing() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let file =
        output("../stdout.txt", &blobs.container("box", "w"), json!("log"), "taskcompletion");
    cloud.job("job").await;
    cloud.script_with("job", "task", "echo up; sleep 600", json!({"outputFiles": [file]})).await;
    cloud.wait_for_output("job", "task", "up").await;
    cloud.ask_job("job", "disable", json!({"disableTasks": "requeue"})).await.expect(202);
    cloud.job_in_state("job", "disabled").await;
    assert_eq!(blobs.text("log"), None);
}

#[tokio::test]
async fn the_headers_of_an_output_file_come_with_its_upload() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let mut file = output("f", &blobs.container("box", "w"), Value::Null, "tasksuccess");
    let given = json!([{"name": "X-Ms-Meta-Kind", "value": "log"}, {"name": "x-ms-tags"}]);
    file["destination"]["container"]["uploadHeaders"] = given;
    let execution = upload(&cloud, "touch f", file).await;
    assert_eq!(execution["result"], "success");
    assert_eq!(blobs.header("x-ms-meta-kind"), "log");
}

#[tokio::test]
async fn a_large_file_is_uploaded_in_blocks_and_has_its_headers() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let mut file = output("f", &blobs.container("box", "w"), Value::Null, "tasksuccess");
    file["destination"]["container"]["uploadHeaders"] =
        json!([{"name": "x-ms-meta-kind", "value": "log"}]);
    let execution = upload(&cloud, "seq 3000000 | head -c 20000000 > f", file).await;
    assert_eq!(execution["result"], "success");
    let numbers = (1..=3_000_000).map(|number| format!("{number}\n")).collect::<String>();
    assert!(blobs.text("f").unwrap() == numbers[..20_000_000]);
    assert_eq!(blobs.names(), ["f"]);
    assert_eq!(blobs.header("x-ms-meta-kind"), "log");
}

#[tokio::test]
async fn a_header_that_the_node_sends_itself_is_refused() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    for name in ["Content-Length", "x-ms-blob-type", "not a name"] {
        let mut file = output("f", "http://127.0.0.1:1/acc/box", Value::Null, "tasksuccess");
        file["destination"]["container"]["uploadHeaders"] = json!([{"name": name, "value": "x"}]);
        let body = merged(shell_task("task", "true"), json!({"outputFiles": [file]}));
        let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
        let refused = reply.expect_error(400, "InvalidPropertyValue");
        assert_eq!(refused.value("PropertyValue"), name);
    }
}

#[tokio::test]
async fn the_node_logs_uploads_and_failures_without_a_signature() {
    let (cloud, blobs) = (Cloud::start().await, BlobServer::start().await);
    let good = output("*.txt", &blobs.container("box", "w"), json!("out"), "taskcompletion");
    let bad = output("../stdout.txt", &blobs.container("none", "w"), json!("l"), "taskcompletion");
    cloud.run_with("touch a.txt", json!({"outputFiles": [bad, good]})).await;
    let out = cloud.output("fileuploadout.txt").await;
    assert!(out.contains("Uploading all files matching pattern *.txt\n"), "{out}");
    assert!(
        out.contains(&format!("/task/wd/a.txt to {}/out/a.txt\n", blobs.plain("box"))),
        "{out}"
    );
    let err = cloud.output("fileuploaderr.txt").await;
    let line: Value = serde_json::from_str(&err).unwrap();
    assert_eq!(line["code"], "FileUploadContainerNotFound");
    assert_eq!((&line["user_error"], &line["pattern"]), (&json!(true), &json!("../stdout.txt")));
    assert!(line["file"].as_str().unwrap().ends_with("/workitems/run/job-1/task/stdout.txt"));
    assert_eq!(line["destination"], format!("{}/l", blobs.plain("none")));
    assert!(!out.contains("sig=") && !err.contains("sig="));
}

#[tokio::test]
async fn a_task_whose_output_files_are_not_due_has_empty_upload_logs() {
    let cloud = Cloud::start().await;
    let file = output("f", "http://127.0.0.1:1/acc/box", Value::Null, "taskfailure");
    let execution = upload(&cloud, "touch f", file).await;
    assert_eq!(execution["result"], "success");
    assert_eq!(cloud.output("fileuploadout.txt").await, "");
    assert_eq!(cloud.output("fileuploaderr.txt").await, "");
}
