//! What a flow says of the task's container beside its image, as the node sees it.

use runner::Status;
use serde_json::json;

use crate::support::{Lab, renamed};

#[tokio::test]
async fn run_options_reach_the_container_beside_the_entry_point() {
    let lab = Lab::start().await;
    let mut request = lab.request("echo $((`stat -f -c '%b*%S' /dev/shm`)); echo $MODEL");
    request["containerRunOptions"] = json!("--shm-size=8m -e MODEL=large --init");
    let report = lab.run(&request).await;
    assert_eq!(report.stdout, ["8388608", "large"], "{report:?}");
}

/// The emulator has no GPUs, and says so as the service says what it does not take.
#[tokio::test]
async fn an_option_that_the_service_does_not_take_is_blamed_on_the_property() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    request["containerRunOptions"] = json!("-e TOKEN=canary --gpus all");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Invalid, "{report:?}");
    assert!(report.message().starts_with("containerRunOptions: cannot create task"), "{report:?}");
    assert!(report.message().contains("the option --gpus is not supported"), "{report:?}");
    assert!(!format!("{report:?}").contains("canary"), "{report:?}");
    lab.until_jobs(0, azure::batch::JobState::Active).await;
}

#[tokio::test]
async fn a_container_sees_the_directories_of_the_node_that_the_flow_names() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"in\n");
    let script = "cat in.txt; echo out > out.txt; ls $AZ_BATCH_NODE_ROOT_DIR; \
                  touch $AZ_BATCH_NODE_SHARED_DIR/file 2>/dev/null || echo read-only";
    let mut request = lab.request(script);
    request["outputFiles"] = json!(["out.txt"]);
    request["containerHostBatchBindMounts"] =
        json!([{"source": "TASK"}, {"source": "SHARED", "isReadOnly": true}]);
    let report = lab.run(&request).await;
    assert_eq!(report.stdout, ["in", "shared", "workitems", "read-only"], "{report:?}");
    assert_eq!(lab.read("out.txt"), b"out\n");
    let mut request = renamed(&lab.request("ls $AZ_BATCH_NODE_ROOT_DIR"));
    request["containerHostBatchBindMounts"] = json!(null);
    let report = lab.run(&request).await;
    assert!(report.stdout.contains(&"fsmounts".to_owned()), "{report:?}");
}
