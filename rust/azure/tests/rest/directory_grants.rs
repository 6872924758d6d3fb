//! Signatures for one directory, as far as an account takes them.

use crate::scripted_service::{Reply, ScriptedService, container_at};
use azure::blob::SasPermissions;
use std::time::Duration;

fn account(is_hierarchical: &str) -> Reply {
    Reply::new(200, &[("x-ms-is-hns-enabled", is_hierarchical)], "")
}

/// What the signatures of a container are for, that of the first call and that of the second.
async fn signed_for(answers: Vec<Reply>) -> [String; 2] {
    let asked = answers.len();
    let service = ScriptedService::start(answers).await;
    let container = container_at(&service.endpoint);
    let sign = async || {
        let grants = container.grants(Duration::from_secs(60)).await.unwrap();
        let grants = grants.below("run").await.unwrap();
        let url = grants.url(None, SasPermissions::WRITE).unwrap();
        let blob = grants.url(Some("run/run.sh"), SasPermissions::READ).unwrap();
        assert!(blob.query().unwrap().contains("sr=b"), "{blob}");
        let parts = url.query_pairs().filter(|(name, _)| name == "sr" || name == "sdd");
        parts.map(|(name, value)| format!("{name}={value} ")).collect::<String>()
    };
    let signed = [sign().await, sign().await];
    assert_eq!(service.received().len(), asked, "it is asked once");
    signed
}

#[tokio::test]
async fn a_signature_is_for_the_directory_where_the_account_takes_that() {
    let refused = || Reply::error(403, "AuthenticationFailed");
    let (narrow, wide) = ("sr=d sdd=1 ", "sr=c ");
    for (answers, expected) in [
        (vec![account("true"), Reply::ok("<EnumerationResults />")], narrow),
        (vec![account("true"), refused()], wide),
        (vec![account("false")], wide),
        (vec![Reply::ok("")], wide),
        (vec![refused()], wide),
        (vec![Reply::status(404)], wide),
        (vec![Reply::status(503), account("true"), Reply::ok("")], narrow),
    ] {
        let kinds = format!("{answers:?}");
        assert_eq!(signed_for(answers).await, [expected; 2], "{kinds}");
    }
}

#[tokio::test]
async fn the_first_question_shows_rights_that_the_nodes_get_and_no_more() {
    let list = Reply::ok("<EnumerationResults />");
    let service = ScriptedService::start([account("true"), list]).await;
    let container = container_at(&service.endpoint);
    let grants = container.grants(Duration::from_secs(60)).await.unwrap();
    grants.below("run").await.unwrap();
    for (request, kind) in service.received().iter().zip(["restype=account", "prefix=run%2F"]) {
        assert!(
            request.target.contains(kind) && request.target.contains("sp=rl"),
            "{}",
            request.target
        );
    }
}
