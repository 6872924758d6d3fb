//! Images as they are: with an entry point, or with little in them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use azure_batch_emulator::Settings;
use runner::Status;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Lab, renamed, usual};

/// An image as hashicorp/terraform is: its entry point takes words of its own only.
fn terraform() -> TempDir {
    let image = tempfile::tempdir().unwrap();
    std::fs::create_dir(image.path().join("bin")).unwrap();
    write_program(
        &image.path().join("bin/terraform"),
        "echo \"Terraform has no command named \\\"$*\\\".\"; exit 1",
    );
    write_program(&image.path().join("bin/init"), "echo \"init $1\"; shift; exec \"$@\"");
    std::fs::write(image.path().join("entrypoint.json"), r#"["terraform"]"#).unwrap();
    image
}

fn write_program(path: &Path, script: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

async fn lab_with(name: &str, image: &Path) -> Lab {
    let images = [(name.to_owned(), image.to_owned())].into();
    Lab::start_with(Settings { images, ..usual() }).await
}

/// With the script as a file, and on the command line.
fn both_ways(request: &Value) -> [Value; 2] {
    let mut inline = renamed(request);
    inline["blobStorage"] = json!(null);
    [request.clone(), inline]
}

#[tokio::test]
async fn an_image_with_an_entry_point_runs_the_flows_commands() {
    let image = terraform();
    let lab = lab_with("terraform", image.path()).await;
    let mut request = lab.request("echo from the flow; exit 4");
    request["containerImage"] = json!("terraform");
    for request in both_ways(&request) {
        let report = lab.run(&request).await;
        assert_eq!(report.stdout, ["from the flow"], "{report:?}");
        assert_eq!(report.outcome().exit_code, Some(4), "{report:?}");
    }
}

#[tokio::test]
async fn a_flow_may_keep_the_images_own_entry_point() {
    let image = terraform();
    let lab = lab_with("terraform", image.path()).await;
    let mut request = lab.request("echo from the flow");
    request["containerImage"] = json!("terraform");
    request["entryPoint"] = json!([]);
    let report = lab.run(&request).await;
    let said = "Terraform has no command named \"/bin/sh kestra-run.sh\".";
    assert_eq!(report.stdout, [said], "{report:?}");
    assert_eq!(report.outcome().exit_code, Some(1));
}

#[tokio::test]
async fn a_flow_may_name_another_entry_point_with_arguments() {
    let image = terraform();
    let lab = lab_with("terraform", image.path()).await;
    let mut request = lab.request("echo from the flow");
    request["containerImage"] = json!("terraform");
    request["entryPoint"] = json!(["/opt/image/bin/init", "-s"]);
    for request in both_ways(&request) {
        let report = lab.run(&request).await;
        assert_eq!(report.stdout, ["init -s", "from the flow"], "{report:?}");
    }
}

#[tokio::test]
async fn an_image_without_a_shell_is_said_in_words() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("bin")).unwrap();
    // What stands in its place cannot be run.
    std::fs::write(root.path().join("bin/sh"), "").unwrap();
    let images = [("no-shell".to_owned(), root.path().to_owned())].into();
    let lab = Lab::start_with(Settings { images, ..usual() }).await;
    let mut request = lab.request("true");
    request["containerImage"] = json!("no-shell");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Failed);
    let start = "containerImage: the command could not be started in the image 'no-shell', which needs /bin/sh";
    assert!(report.message().starts_with(start), "{report:?}");
}

/// An image with a shell and nothing else, not even a place for the link: what a shell needs of this machine is copied.
fn shell_alone() -> TempDir {
    let image = tempfile::tempdir().unwrap();
    let libraries = std::process::Command::new("ldd").arg("/bin/sh").output().unwrap().stdout;
    let libraries = String::from_utf8(libraries).unwrap();
    let files = libraries.split_whitespace().filter(|word| word.starts_with('/'));
    for file in files.chain(["/bin/sh"]) {
        let copy = image.path().join(&file[1..]);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(file, copy).unwrap();
    }
    image
}

#[tokio::test]
async fn an_image_with_a_shell_alone_runs_a_command_and_says_what_it_lacks() {
    let image = shell_alone();
    let lab = lab_with("shell", image.path()).await;
    let mut request = lab.request("echo \"$PWD\"; exit 4");
    request["containerImage"] = json!("shell");
    for request in both_ways(&request) {
        let report = lab.run(&request).await;
        assert_eq!(report.outcome().exit_code, Some(4), "{report:?}");
        assert!(report.stdout[0].ends_with("/wd"), "{report:?}");
        let link = request["containerWorkingDir"].as_str().unwrap();
        let told = format!("kestra: the link {link} could not be made: the image needs ln and ");
        assert!(report.stderr.iter().any(|line| line.starts_with(&told)), "{report:?}");
    }
}

#[tokio::test]
async fn what_an_image_lacks_for_the_files_of_a_task_is_named() {
    let image = shell_alone();
    let lab = lab_with("shell", image.path()).await;
    let mut request = lab.request("echo made > out.txt");
    request["containerImage"] = json!("shell");
    request["outputFiles"] = json!(["out.txt"]);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().exit_code, Some(126), "{report:?}");
    assert!(report.stderr.iter().any(|line| line.ends_with("the image needs mkdir")), "{report:?}");
    lab.write("in.txt", b"in");
    let mut request = renamed(&lab.request("true"));
    request["containerImage"] = json!("shell");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().exit_code, Some(126), "{report:?}");
    assert!(report.stderr.iter().any(|line| line.ends_with("the image needs mv")), "{report:?}");
}
