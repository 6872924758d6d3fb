//! Client assertions: of certificates, and of federated workloads.

use std::time::Duration;

use azure_batch_emulator::{Emulator, EntraSettings, Proof, Role, Settings};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::Cloud;
use crate::support::assertions::{Signer, claims};
use crate::support::client::Reply;
use crate::support::entra::{
    BATCH, CLIENT, SECRET, TENANT, access_token, expect_refusal, principal, tenant_of,
};
use crate::support::tls::TlsFront;

const SUBJECT: &str = "system:serviceaccount:kestra:worker";

/// Starts a cloud with one application that proves who it is in this way, and with a secret.
async fn cloud_of(proof: Proof) -> Cloud {
    let proofs = vec![Proof::Secret(SECRET.to_owned()), proof];
    tenant_of(vec![principal(CLIENT, proofs, &[Role::AzureBatchAccountReader])]).await
}

async fn ask(cloud: &Cloud, assertion: &str) -> Reply {
    let client = CLIENT.to_string();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &client),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
        ("scope", BATCH),
    ];
    cloud.ask_for_token(&form).await
}

async fn expect_accepted(cloud: &Cloud, assertion: &str) {
    let token = access_token(&ask(cloud, assertion).await.expect(200));
    cloud.client.get("/jobs").send_with(&format!("Bearer {token}")).await.expect(200);
}

#[tokio::test]
async fn an_application_proves_who_it_is_with_its_certificate_whatever_host_it_asks() {
    let signer = Signer::new();
    let cloud = cloud_of(Proof::Certificate(signer.pem.clone())).await;
    let client = CLIENT.to_string();
    let public = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
    for audience in [cloud.token_endpoint(), public] {
        for header in [signer.header(), signer.new_header()] {
            expect_accepted(&cloud, &signer.sign(&header, &claims(&client, &audience))).await;
        }
    }
}

#[tokio::test]
async fn each_part_of_an_assertion_is_checked() {
    let (signer, other) = (Signer::new(), Signer::new());
    let cloud = cloud_of(Proof::Certificate(signer.pem.clone())).await;
    let (client, endpoint) = (CLIENT.to_string(), cloud.token_endpoint());
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let tenant = TENANT.to_string();
    for (claim, value, status, error, code) in [
        ("aud", json!("https://login.microsoftonline.com/"), 401, "invalid_client", 700023),
        (
            "aud",
            json!(format!("https://h/{CLIENT}/oauth2/v2.0/token")),
            401,
            "invalid_client",
            700023,
        ),
        ("iss", json!(tenant), 401, "invalid_client", 700021),
        ("sub", json!(tenant), 401, "invalid_client", 700021),
        ("exp", json!(now), 401, "invalid_client", 700024),
        ("nbf", json!(now + 60), 401, "invalid_client", 700024),
        ("exp", Value::Null, 400, "invalid_request", 50027),
        ("jti", Value::Null, 400, "invalid_request", 50027),
        ("sub", Value::Null, 400, "invalid_request", 50027),
    ] {
        let mut claims = claims(&client, &endpoint);
        claims[claim] = value;
        let reply = ask(&cloud, &signer.sign(&signer.header(), &claims)).await;
        expect_refusal(reply, status, error, code);
    }
    let claims = claims(&client, &endpoint);
    for (assertion, part) in [
        (other.sign(&other.header(), &claims), "not registered on application"),
        (other.sign(&json!({"alg": "RS256"}), &claims), "not registered on application"),
        (other.sign(&signer.header(), &claims), "contains an invalid signature"),
        (
            signer.sign(&json!({"alg": "none", "x5t": signer.header()["x5t"]}), &claims),
            "invalid signature",
        ),
    ] {
        let description =
            expect_refusal(ask(&cloud, &assertion).await, 401, "invalid_client", 700027);
        assert!(description.contains(part), "{description}");
    }
    expect_refusal(ask(&cloud, "a.b.c").await, 400, "invalid_request", 50027);
    expect_accepted(&cloud, &signer.sign(&signer.header(), &claims)).await;
}

#[tokio::test]
async fn a_certificate_without_an_rsa_key_is_refused_at_the_start() {
    let elliptic = TlsFront::start("127.0.0.1:1").await;
    let pem = std::fs::read_to_string(&elliptic.certificate).unwrap();
    for pem in [pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_owned()] {
        let principals = vec![principal(CLIENT, vec![Proof::Certificate(pem)], &[])];
        let entra = Some(EntraSettings { principals, ..EntraSettings::new(TENANT) });
        let error = Emulator::start(Settings { entra, ..Settings::default() }).await.unwrap_err();
        assert!(error.to_string().contains("its key is not an RSA key"), "{error}");
    }
}

#[tokio::test]
async fn a_workload_proves_who_it_is_with_a_token_of_its_cluster() {
    let cloud = cloud_of(Proof::Federated(SUBJECT.to_owned())).await;
    let token = |subject, seconds| {
        cloud.emulator.federated_token(subject, Duration::from_secs(seconds)).unwrap()
    };
    expect_accepted(&cloud, &token(SUBJECT, 60)).await;
    for (assertion, code, part) in [
        (
            token("system:serviceaccount:kestra:Worker", 60),
            700213,
            "subject 'system:serviceaccount:kestra:Worker'",
        ),
        (token(SUBJECT, 0), 700024, "not within its valid time range"),
        (cloud.token(BATCH).await, 700211, "issuer 'https://sts.windows.net/"),
    ] {
        let description =
            expect_refusal(ask(&cloud, &assertion).await, 401, "invalid_client", code);
        assert!(description.contains(part), "{description}");
    }
}

#[tokio::test]
async fn only_the_cluster_signs_the_tokens_of_its_workloads() {
    let cloud = cloud_of(Proof::Federated(SUBJECT.to_owned())).await;
    let other = cloud_of(Proof::Federated(SUBJECT.to_owned())).await;
    let foreign = other.emulator.federated_token(SUBJECT, Duration::from_secs(60)).unwrap();
    expect_refusal(ask(&cloud, &foreign).await, 401, "invalid_client", 700027);
}
