//! What is in the working directory is on the node, as it is here.

#[path = "../../src/inputs/trees.rs"]
mod trees;

use std::env;
use std::os::unix::fs::{PermissionsExt, symlink};

use azure_batch_emulator::{BlobPrefix, Settings};
use proptest::test_runner::{Config, TestRunner};
use runner::{Level, Status};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::gate::Gate;
use crate::support::{Lab, Report, directory, renamed, usual};

const WAIT: &str = "echo here; until [ -e ../go ]; do sleep 0.1; done";

async fn lab(blob_prefix: BlobPrefix) -> Lab {
    Lab::start_with(Settings { blob_prefix, ..usual() }).await
}

/// Runs a task that waits while its working directory is compared with the one here.
async fn arrives(lab: &Lab, request: &Value) -> Report {
    let mut run = lab.start_run(request);
    run.until_line("here").await;
    let there = lab.wd(request).join(directory(request));
    let here = request["localWorkingDir"].as_str().unwrap();
    assert_eq!(trees::found(&there), trees::found(here.as_ref()));
    std::fs::write(lab.wd(request).join("go"), "").unwrap();
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(lab.blobs().await, [""; 0]);
    report
}

/// Cases come from the seed in `.cargo/config.toml`; there are more of them where `KESTRA_LONG` is set.
#[test]
fn any_working_directory_is_on_the_node_as_it_is_here() {
    let cases = if env::var_os("KESTRA_LONG").is_some() { 100 } else { 5 };
    let runtime = Runtime::new().unwrap();
    let config = Config { cases, max_shrink_iters: 30, ..Config::default() };
    let labs = [BlobPrefix::Keep, BlobPrefix::Strip].map(|prefix| runtime.block_on(lab(prefix)));
    let tried = TestRunner::new(config).run(&(trees::tree(), 0..2_usize), |(tree, number)| {
        let (lab, here) = (&labs[number], tempfile::tempdir().unwrap());
        trees::make(here.path(), &tree);
        let mut request = renamed(&lab.request(WAIT));
        request["localWorkingDir"] = json!(here.path());
        runtime.block_on(arrives(lab, &request));
        Ok(())
    });
    tried.unwrap();
    // A lab ends its servers, which needs a runtime.
    runtime.block_on(async { drop(labs) });
}

#[tokio::test]
async fn names_that_blob_storage_would_change_arrive_as_they_are() {
    for prefix in [BlobPrefix::Keep, BlobPrefix::Strip] {
        let lab = lab(prefix).await;
        for name in [
            "plain",
            "a\\b.txt",
            "dot.",
            " blank ",
            "tab\there",
            "new\nline",
            "-rf",
            "it's",
            "caf\u{e9}",
            "cafe\u{301}",
            "line\u{2028}separator",
            "\u{ffff}",
            "kestra-renamed/0",
            "deep./er./est",
            "# % + ? & ; : | ^ [ ] ( ) { } $ ~",
        ] {
            lab.write(name, name.as_bytes());
        }
        lab.write(&["x".repeat(255), "y".repeat(255)].join("/"), b"long");
        lab.write(&vec!["d"; 300].join("/"), b"deep");
        arrives(&lab, &lab.request(WAIT)).await;
    }
}

#[tokio::test]
async fn empty_directories_and_directories_behind_links_arrive() {
    let lab = Lab::start().await;
    lab.write("data/one", b"1");
    let path = |name: &str| lab.dir.path().join(name);
    std::fs::create_dir_all(path("empty/inner")).unwrap();
    symlink("data", path("link")).unwrap();
    symlink(path("data"), path("empty/absolute")).unwrap();
    symlink("..", path("data/up")).unwrap();
    let report = arrives(&lab, &lab.request(WAIT)).await;
    let warnings = report.notes.iter().filter(|(level, _)| *level == Level::Warn);
    let warnings: Vec<_> = warnings.map(|(_, text)| text.as_str()).collect();
    let expected = ["data/up", "empty/absolute/up", "link/up"].map(|name| {
        format!(
            "inputFiles: '{name}' is a link to a directory that it is in and is not available to the task"
        )
    });
    assert_eq!(warnings, expected);
}

#[tokio::test]
async fn a_directory_without_files_needs_no_resource_file() {
    let (lab, gate) = (Lab::start().await, Gate::start().await);
    std::fs::create_dir_all(lab.dir.path().join("a/b")).unwrap();
    let run = lab.start_run_with(&lab.request("ls -d a/b"), &gate.client());
    assert_eq!(run.ended().await.stdout, ["a/b"]);
    assert_eq!(gate.body("POST", "/tasks")["resourceFiles"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_mode_of_the_most_files_is_that_of_the_resource_file() {
    let (lab, gate) = (Lab::start().await, Gate::start().await);
    for (name, mode) in [("a", 0o640), ("run", 0o755), ("b", 0o640), ("read", 0o400)] {
        lab.write(name, b"");
        let path = lab.dir.path().join(name);
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let request = lab.request("stat -c '%a %n' *");
    let report = lab.start_run_with(&request, &gate.client()).ended().await;
    assert_eq!(report.stdout, ["640 a", "640 b", "400 read", "755 run"], "{report:?}");
    assert_eq!(gate.body("POST", "/tasks")["resourceFiles"][1]["fileMode"], json!("0640"));
}

#[tokio::test]
async fn a_path_too_long_for_a_node_is_refused_before_anything_is_created() {
    let lab = Lab::start().await;
    lab.write(&(vec!["x".repeat(250); 14].join("/") + "/file"), b"");
    let report = lab.run(&lab.request("true")).await;
    assert_eq!(report.outcome().status, Status::Invalid, "{report:?}");
    assert!(report.message().starts_with("inputFiles: 'xxx"), "{report:?}");
    assert!(report.message().contains("is a path of more than 3500 bytes"), "{report:?}");
    assert_eq!(lab.changes(), [""; 0]);
    assert_eq!(lab.blobs().await, [""; 0]);
}
