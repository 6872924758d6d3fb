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
    let start = "The command could not be started; the image 'no-shell' needs /bin/sh";
    assert!(report.message().starts_with(start), "{report:?}");
}
