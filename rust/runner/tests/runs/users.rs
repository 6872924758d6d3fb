//! The accounts that a task can run under, as the node sees it.

use azure_batch_emulator::Settings;
use runner::Status;
use serde_json::json;

use crate::gate::Gate;
use crate::support::{Lab, renamed, usual};

async fn lab_with_accounts() -> Lab {
    let pools = vec!["pool:user=plain,admin=chief".parse().unwrap()];
    Lab::start_with(Settings { pools, ..usual() }).await
}

#[tokio::test]
async fn a_task_may_run_as_an_account_of_the_pool() {
    let lab = lab_with_accounts().await;
    for (name, id) in [("plain", "60001"), ("chief", "0")] {
        let mut request = renamed(&lab.request("id -u; echo made > out.txt"));
        request["userName"] = json!(name);
        request["outputFiles"] = json!(["out.txt"]);
        let report = lab.run(&request).await;
        assert_eq!(report.stdout, [id], "{report:?}");
        assert_eq!(lab.read("out.txt"), b"made\n");
    }
}

#[tokio::test]
async fn an_account_that_the_pool_does_not_have_is_refused_before_anything_is_created() {
    let lab = lab_with_accounts().await;
    let mut request = lab.request("true");
    request["userName"] = json!("nobody");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Invalid);
    let message = "userName: the pool 'pool' has no user account 'nobody' (userAccounts); it has plain, chief";
    assert_eq!(report.message(), message);
    assert_eq!(lab.changes(), [""; 0]);
}

#[tokio::test]
async fn a_task_may_share_its_user_with_the_others_of_its_node() {
    let lab = Lab::start().await;
    let gate = Gate::start().await;
    let mut request = lab.request("id -u");
    request["autoUserScope"] = json!("POOL");
    let report = lab.start_run_with(&request, &gate.client()).ended().await;
    assert_eq!(report.stdout, ["60001"], "{report:?}");
    let user = json!({"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}});
    assert_eq!(gate.body("POST", "/tasks")["userIdentity"], user);
}
