//! What a task sees of this machine.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use azure_batch_emulator::Isolation;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Cloud;

async fn isolated() -> Cloud {
    Cloud::start_with(|settings| settings.isolation = Isolation::Bubblewrap).await
}

/// Creates a file with this content in a new subdirectory.
fn canary(parent: &Path) -> (TempDir, PathBuf) {
    let directory = tempfile::Builder::new().prefix("canary-").tempdir_in(parent).unwrap();
    let file = directory.path().join("canary");
    std::fs::write(&file, "tweet").unwrap();
    (directory, file)
}

#[tokio::test]
async fn no_directory_of_this_machine_exists_for_a_task() {
    let home = PathBuf::from(std::env::var("HOME").unwrap());
    let checkout = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let canaries = [home, checkout, PathBuf::from("/tmp")].map(|parent| canary(&parent));
    let files: Vec<String> = canaries.iter().map(|(_, file)| file.display().to_string()).collect();
    let script = format!("for f in {}; do cat $f || echo none; done", files.join(" "));

    let open = Cloud::start_with(|settings| settings.isolation = Isolation::None).await;
    open.run(&script).await;
    assert_eq!(open.output("stdout.txt").await, "tweettweettweet");

    let closed = isolated().await;
    closed.run(&script).await;
    assert_eq!(closed.output("stdout.txt").await, "none\nnone\nnone\n");
}

#[tokio::test]
async fn a_task_does_not_see_the_directories_of_other_tasks() {
    let cloud = isolated().await;
    cloud.job("other").await;
    cloud.script("other", "task", "echo secret > file").await;
    cloud.completed("other", "task").await;
    cloud.run("ls /mnt/batch/tasks/workitems; ls /mnt/batch/tasks/workitems/run/job-1").await;
    assert_eq!(cloud.output("stdout.txt").await, "run\ntask\n");
}

#[tokio::test]
async fn the_host_name_is_the_node_id() {
    let cloud = isolated().await;
    let task = cloud.run("hostname; cat /etc/hostname; uname -n").await;
    let node = task["nodeInfo"]["nodeId"].as_str().unwrap();
    assert!(node.starts_with("tvmps_") && node.ends_with("_d") && node.len() <= 64, "{node}");
    assert_eq!(cloud.output("stdout.txt").await, format!("{node}\n{node}\n{node}\n"));
}

#[tokio::test]
async fn a_task_sees_only_its_own_processes() {
    let cloud = isolated().await;
    cloud.run("ls -d /proc/[0-9]* | wc -l; test -e /proc/1/root/work && echo work").await;
    let output = cloud.output("stdout.txt").await;
    let seen: usize = output.trim().parse().unwrap();
    assert!(seen < 10, "{seen} processes");
}

#[tokio::test]
async fn the_environment_of_the_emulator_does_not_reach_a_task() {
    let cloud = isolated().await;
    cloud.run("env | cut -d= -f1 | grep -v ^AZ_BATCH_ | sort").await;
    assert_eq!(cloud.output("stdout.txt").await, "HOME\nHOSTNAME\nPATH\nPWD\n");
}

#[tokio::test]
async fn the_bin_of_an_image_leads_the_path() {
    let cloud = isolated().await;
    let bin = cloud.image.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join("greet"), "#!/bin/sh\necho hello from $0\n").unwrap();
    std::fs::set_permissions(bin.join("greet"), PermissionsExt::from_mode(0o755)).unwrap();
    cloud.run_with("", json!({"commandLine": "greet"})).await;
    assert_eq!(cloud.output("stdout.txt").await, "hello from /opt/image/bin/greet\n");
}

#[tokio::test]
async fn an_image_with_a_shell_is_the_whole_root() {
    let root = root_with_shell();
    let cloud = Cloud::start_with(|settings| {
        settings.isolation = Isolation::Bubblewrap;
        settings.images = [("root:1".to_owned(), root.path().to_owned())].into();
    })
    .await;
    let settings = json!({"containerSettings": {"imageName": "root:1"}});
    cloud
        .run_with("echo /etc/*; echo here > f; test -e /usr/bin/env || echo alone", settings)
        .await;
    assert_eq!(cloud.output("stdout.txt").await, "/etc/marker\nalone\n");
    assert_eq!(cloud.output("wd/f").await, "here\n");
}

#[tokio::test]
async fn the_entry_point_of_a_root_is_no_file_in_it() {
    let root = root_with_shell();
    std::fs::write(root.path().join("entrypoint.json"), r#"["/bin/sh", "-c"]"#).unwrap();
    let cloud = Cloud::start_with(|settings| {
        settings.isolation = Isolation::Bubblewrap;
        settings.images = [("root:1".to_owned(), root.path().to_owned())].into();
    })
    .await;
    let container = json!({"imageName": "root:1"});
    let task = json!({"commandLine": "\"echo /entry* /etc/*\"", "containerSettings": container});
    cloud.run_with("", task).await;
    assert_eq!(cloud.output("stdout.txt").await, "/entry* /etc/marker\n");
}

#[tokio::test]
async fn an_empty_list_of_bind_mounts_mounts_nothing() {
    let cloud = isolated().await;
    let settings = json!({"imageName": "image", "containerHostBatchBindMounts": []});
    cloud.run_with("pwd; ls /mnt", json!({"containerSettings": settings})).await;
    assert_eq!(cloud.output("stdout.txt").await, "/\n");
}

#[tokio::test]
async fn a_bind_mount_can_be_read_only() {
    let cloud = isolated().await;
    let mounts = json!([{"source": "Task"}, {"source": "Shared", "isReadOnly": true}]);
    let settings = json!({"imageName": "image", "containerHostBatchBindMounts": mounts});
    let script = "echo x > f && echo written; echo x > $AZ_BATCH_NODE_SHARED_DIR/f || echo refused";
    cloud.run_with(script, json!({"containerSettings": settings})).await;
    assert_eq!(cloud.output("stdout.txt").await, "written\nrefused\n");
}

#[tokio::test]
async fn a_container_may_start_in_the_directory_of_its_image() {
    let cloud = isolated().await;
    let settings = json!({"imageName": "image", "workingDirectory": "containerImageDefault"});
    cloud.run_with("pwd", json!({"containerSettings": settings})).await;
    assert_eq!(cloud.output("stdout.txt").await, "/\n");
}

#[tokio::test]
async fn run_options_set_variables_and_the_directory() {
    let cloud = isolated().await;
    let settings = json!({"imageName": "image", "containerRunOptions": "-e A=b --workdir /usr"});
    let task = cloud.run_with("echo $A; pwd", json!({"containerSettings": settings})).await;
    assert_eq!(task["executionInfo"]["failureInfo"], Value::Null);
    assert_eq!(cloud.output("stdout.txt").await, "b\n/usr\n");
}

#[tokio::test]
async fn run_options_set_the_size_of_shared_memory() {
    let cloud = isolated().await;
    let settings = json!({"imageName": "image", "containerRunOptions": "--shm-size 3m"});
    let script = "stat -f -c '%b %S' /dev/shm; touch /dev/shm/file";
    let task = cloud.run_with(script, json!({"containerSettings": settings})).await;
    assert_eq!(task["executionInfo"]["exitCode"], 0, "{task}");
    assert_eq!(cloud.output("stdout.txt").await, "768 4096\n");
}

/// Creates a root file system with only a shell and the libraries that it needs.
fn root_with_shell() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let output = Command::new("ldd").arg("/bin/sh").output().unwrap();
    let libraries = String::from_utf8(output.stdout).unwrap();
    let paths = libraries.split_whitespace().filter(|word| word.starts_with('/'));
    for path in paths.chain(["/bin/sh"]) {
        let to = root.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(path, to).unwrap();
    }
    std::fs::create_dir(root.path().join("etc")).unwrap();
    std::fs::write(root.path().join("etc/marker"), "").unwrap();
    root
}
