//! A C program that runs a task on the emulator by the header and the library.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use azure_batch_emulator::{Emulator, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const REQUEST: &str = include_str!("../../../tests/fixtures/request.json");

struct Program(TempDir);

impl Program {
    async fn compile() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new("cc")
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
            .arg(here.join("include"))
            .arg(here.join("tests/c/run.c"))
            .arg("-o")
            .arg(directory.path().join("run"))
            .arg("-L")
            .arg(library())
            .arg("-lkestra_azure_batch_c")
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(directory)
    }

    /// The exit code, and what was printed.
    async fn run(&self, request: &str) -> (Option<i32>, String) {
        let mut child = Command::new(self.0.path().join("run"))
            .env("LD_LIBRARY_PATH", library())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(request.as_bytes()).await.unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

/// Where cargo leaves the library that belongs to this test.
fn library() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

#[tokio::test]
async fn a_c_program_runs_a_task_and_reads_its_log_and_its_exit_code() {
    let image = tempfile::tempdir().unwrap();
    let settings = Settings {
        account: "cbatch".to_owned(),
        key: "a2V5".to_owned(),
        pools: vec!["pool".into()],
        images: [("ubuntu:latest".to_owned(), image.path().to_owned())].into(),
        ..Settings::default()
    };
    let emulator = Emulator::start(settings).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut request: Value = serde_json::from_str(REQUEST).unwrap();
    for (name, value) in [
        ("account", json!("cbatch")),
        ("accessKey", json!("a2V5")),
        ("endpoint", json!(emulator.endpoint())),
        ("poolId", json!("pool")),
        ("containerImage", json!("ubuntu:latest")),
        ("commands", json!(["/bin/sh", "-c", "echo hello from C; exit 3"])),
        ("localWorkingDir", json!(directory.path())),
        ("outputFiles", json!([])),
    ] {
        request[name] = value;
    }
    for absent in ["blobStorage", "registry", "outputDir"] {
        request[absent] = Value::Null;
    }
    let (code, printed) = Program::compile().await.run(&request.to_string()).await;
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("hello from C") && printed.contains(r#""exitCode":3"#), "{printed}");
    let jobs = emulator.requests().into_iter().filter(|request| request.path == "/jobs");
    assert!(jobs.filter(|request| request.method == "POST" && request.status == 201).count() == 1);
}

#[tokio::test]
async fn a_request_that_cannot_be_run_is_refused_by_property() {
    let program = Program::compile().await;
    let (code, printed) = program.run("{}").await;
    assert_eq!(
        (code, printed.starts_with("refused -1: request: missing field")),
        (Some(2), true),
        "{printed}"
    );
    let (code, printed) = program.run("\u{0}").await;
    assert_eq!((code, printed.starts_with("refused -1: ")), (Some(2), true), "{printed}");
}
