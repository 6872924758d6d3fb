//! The endpoints of machines for their managed identities.

use std::os::unix::fs::PermissionsExt;

use azure_batch_emulator::{Principal, Proof, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Cloud;
use crate::support::client::Reply;
use crate::support::entra::{access_token, principal, tenant_of, tenant_with};

const SYSTEM: Uuid = Uuid::from_u128(1);
const USER: Uuid = Uuid::from_u128(2);
const NAMED: Uuid = Uuid::from_u128(3);
const RESOURCE_ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
const VM: &str = "/metadata/identity/oauth2/token?api-version=2018-02-01";
const APP: &str = "/msi/token?api-version=2019-08-01";
const ARC: &str = "/arc/token?api-version=2020-06-01";
const BATCH: &str = "resource=https%3A%2F%2Fbatch.core.windows.net%2F";

fn identity(client_id: Uuid, proof: Proof) -> Principal {
    principal(client_id, vec![proof], &[Role::AzureBatchAccountReader])
}

fn identities() -> Vec<Principal> {
    vec![
        identity(USER, Proof::UserAssigned(None)),
        identity(SYSTEM, Proof::SystemAssigned),
        identity(NAMED, Proof::UserAssigned(Some(RESOURCE_ID.to_owned()))),
    ]
}

/// Starts a cloud with all identities and endpoints.
async fn cloud(arc_keys: &tempfile::TempDir) -> Cloud {
    tenant_with(identities(), |settings| {
        let entra = settings.entra.as_mut().unwrap();
        entra.identity_header = Some("the-header".to_owned());
        entra.arc_keys = Some(arc_keys.path().to_owned());
    })
    .await
}

async fn ask(cloud: &Cloud, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = cloud.client.http.get(format!("{}{path}", cloud.issuer()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    cloud.client.reply(request.build().unwrap()).await.unwrap()
}

fn expect_invalid(reply: Reply, description: &str) {
    let reply = reply.expect(400);
    let expected = json!({"error": "invalid_request", "error_description": description});
    assert_eq!(reply.body, expected);
}

async fn expect_token(cloud: &Cloud, reply: Reply, client: Uuid) -> Value {
    let reply = reply.expect(200);
    assert_eq!(reply.body["client_id"], client.to_string());
    let authorization = format!("Bearer {}", access_token(&reply));
    cloud.client.get("/jobs").send_with(&authorization).await.expect(200);
    reply.body
}

#[tokio::test]
async fn a_virtual_machine_has_the_tokens_of_its_identities() {
    let cloud = tenant_of(identities()).await;
    let object_id = identity(USER, Proof::SystemAssigned).object_id();
    for (selector, client) in [
        (String::new(), SYSTEM),
        (format!("&client_id={SYSTEM}"), SYSTEM),
        (format!("&client_id={USER}"), USER),
        (format!("&object_id={object_id}"), USER),
        (format!("&msi_res_id={}", RESOURCE_ID.to_uppercase()), NAMED),
    ] {
        let path = format!("{VM}&{BATCH}{selector}");
        let reply = ask(&cloud, &path, &[("Metadata", "true")]).await;
        let body = expect_token(&cloud, reply, client).await;
        assert_eq!((&body["expires_in"], &body["token_type"]), (&json!("3600"), &json!("Bearer")));
        let [start, end] = ["not_before", "expires_on"]
            .map(|name| body[name].as_str().unwrap().parse::<i64>().unwrap());
        assert_eq!(end - start, 3900);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_an_identity_is_said_as_imds_says_it() {
    let cloud = tenant_of(identities()).await;
    let metadata = [("Metadata", "true")];
    let path = format!("{VM}&{BATCH}");
    expect_invalid(ask(&cloud, &path, &[]).await, "Required metadata header not specified");
    let wrong = ask(&cloud, &path, &[("Metadata", "false")]).await;
    expect_invalid(wrong, "Required metadata header not specified");
    for (path, description) in [
        (VM.to_owned(), "Required query variable 'resource' is missing"),
        (
            path.replace("api-version", "version"),
            "Required query variable 'api-version' is missing",
        ),
        (format!("{path}&client_id={}", Uuid::from_u128(9)), "Identity not found"),
        (format!("{path}&msi_res_id=/other"), "Identity not found"),
    ] {
        expect_invalid(ask(&cloud, &path, &metadata).await, description);
    }
    let unknown = ask(&cloud, &format!("{VM}&resource=https://vault.azure.net"), &metadata).await;
    assert_eq!(unknown.expect(400).body["error"], "invalid_resource");
    let operations = cloud.emulator.requests();
    assert!(operations.iter().all(|one| one.operation == Some("Get Identity Token")));
}

#[tokio::test]
async fn without_a_system_assigned_identity_the_only_other_one_is_taken() {
    let path = format!("{VM}&{BATCH}");
    let ask = async |count| {
        let users =
            [identity(USER, Proof::UserAssigned(None)), identity(NAMED, Proof::UserAssigned(None))];
        let cloud = tenant_of(users.into_iter().take(count).collect()).await;
        let reply = ask(&cloud, &path, &[("Metadata", "true")]).await;
        (cloud, reply)
    };
    expect_invalid(ask(0).await.1, "Identity not found");
    let (cloud, reply) = ask(1).await;
    expect_token(&cloud, reply, USER).await;
    let several = "Multiple user assigned identities exist, please specify the clientId / \
        resourceId of the identity in the token request";
    expect_invalid(ask(2).await.1, several);
}

#[tokio::test]
async fn app_service_wants_its_identity_header() {
    let keys = tempfile::tempdir().unwrap();
    let cloud = cloud(&keys).await;
    let path = format!("{APP}&{BATCH}");
    let header = [("X-IDENTITY-HEADER", "the-header")];
    let body = expect_token(&cloud, ask(&cloud, &path, &header).await, SYSTEM).await;
    assert!(body["expires_on"].is_string() && body.get("expires_in").is_none(), "{body}");
    let resource = format!("{path}&mi_res_id={RESOURCE_ID}");
    expect_token(&cloud, ask(&cloud, &resource, &header).await, NAMED).await;
    for wrong in [&[][..], &[("X-IDENTITY-HEADER", "other")], &[("Metadata", "true")]] {
        ask(&cloud, &path, wrong).await.expect(401);
    }
    let unknown = ask(&cloud, &format!("{path}&client_id={}", Uuid::from_u128(9)), &header).await;
    assert_eq!(unknown.expect(400).body["message"], "Unable to load the proper Managed Identity.");
    let without = tenant_of(identities()).await;
    ask(&without, &path, &header).await.expect(404);
    let only_user = tenant_with(vec![identity(USER, Proof::UserAssigned(None))], |settings| {
        settings.entra.as_mut().unwrap().identity_header = Some("the-header".to_owned());
    })
    .await;
    ask(&only_user, &path, &header).await.expect(400);
}

#[tokio::test]
async fn arc_wants_the_content_of_a_key_file_and_takes_it_once() {
    let keys = tempfile::tempdir().unwrap();
    let cloud = cloud(&keys).await;
    let path = format!("{ARC}&{BATCH}");
    let challenge = ask(&cloud, &path, &[("Metadata", "true")]).await.expect(401);
    let file = challenge.header("www-authenticate").strip_prefix("Basic realm=").unwrap();
    assert!(file.starts_with(keys.path().to_str().unwrap()) && file.ends_with(".key"), "{file}");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = format!("Basic {}", std::fs::read_to_string(file).unwrap());
    let wrong = [("Metadata", "true"), ("Authorization", "Basic other")];
    ask(&cloud, &path, &wrong).await.expect(401);
    let right = [("Metadata", "true"), ("Authorization", key.as_str())];
    expect_invalid(ask(&cloud, &path, &right[1..]).await, "Required metadata header not specified");
    expect_token(&cloud, ask(&cloud, &path, &right).await, SYSTEM).await;
    ask(&cloud, &path, &right).await.expect(401);
    let named = ask(&cloud, &format!("{path}&client_id={USER}"), &[("Metadata", "true")]).await;
    let file = named.header("www-authenticate").strip_prefix("Basic realm=").unwrap();
    let key = format!("Basic {}", std::fs::read_to_string(file).unwrap());
    let right = [("Metadata", "true"), ("Authorization", key.as_str())];
    let named = ask(&cloud, &format!("{path}&client_id={USER}"), &right).await;
    expect_invalid(named, "Azure Arc has no user-assigned identities");
    ask(&cloud, &path, &[("Metadata", "true")]).await.expect(401);
    cloud.emulator.shutdown().await;
    assert_eq!(keys.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn an_endpoint_for_identities_can_fail_while_the_issuer_does_not() {
    let cloud = tenant_of(identities()).await;
    cloud.emulator.inject("get-identity-token=503".parse().unwrap());
    let reply = ask(&cloud, &format!("{VM}&{BATCH}"), &[("Metadata", "true")]).await;
    assert_eq!(reply.expect(503).body["error"], "temporarily_unavailable");
    cloud.ask_for_token(&[("grant_type", "client_credentials")]).await.expect(400);
}
