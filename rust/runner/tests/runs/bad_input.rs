//! Bad input gets a clear error that names the property, before anything is created remotely.

use std::net::TcpListener;

use crate::gate::{Gate, Step};
use crate::http1::receive;
use crate::support::Lab;
use runner::{Plan, Request, Status};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};

const FIXTURE: &str = include_str!("../../../../tests/fixtures/request.json");

/// The fixture with one value changed, at a JSON pointer.
fn with(pointer: &str, value: Value) -> Value {
    let mut request: Value = serde_json::from_str(FIXTURE).unwrap();
    *request.pointer_mut(pointer).unwrap() = value;
    request
}

fn refusal(request: &Value) -> String {
    let network = runner::Network::new().unwrap();
    let request = Request::from_json(&request.to_string()).unwrap();
    Plan::new(request, &network).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn what_can_be_seen_without_a_service_is_refused_by_property() {
    let canary = "Y2FuYXJ5LXNlY3JldA==";
    let storage = |rest: Value| {
        let mut storage = json!({"containerName": "kestra"});
        storage.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        with("/blobStorage", storage)
    };
    let parts = |endpoint: &str, name: &str, key: &str| {
        storage(
            json!({"endpoint": endpoint, "sharedKeyAccountName": name, "sharedKeyAccountAccessKey": key}),
        )
    };
    let endpoint = "https://acct.blob.core.windows.net";
    let sas = "sv=2022-11-02&sp=rwdl&sr=c&se=2126-01-01&sig=canary";
    let table = [
        (with("/endpoint", json!("contoso.batch.azure.com")), "endpoint: "),
        (with("/endpoint", json!("http://contoso.example")), "endpoint: "),
        (with("/account", json!(" ")), "account: "),
        (with("/account", json!(canary)), "account: "),
        (with("/endpoint", json!(" \n")), "endpoint: it is required"),
        (with("/registry/password", json!(" \n")), "registry.password: "),
        (with("/registry/userName", json!("\t")), "registry.userName: "),
        (
            with("/blobStorage/connectionString", json!("\n")),
            "blobStorage.connectionString: it is missing",
        ),
        (with("/blobStorage/containerName", json!("$root")), "blobStorage.containerName: "),
        (with("/blobStorage/containerName", json!("Box")), "blobStorage.containerName: "),
        (with("/blobStorage/containerName", json!("bo--x")), "blobStorage.containerName: "),
        (
            with(
                "/blobStorage/connectionString",
                json!(
                    "DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=Y2FuYXJ5LXNlY3JldA=="
                ),
            ),
            "blobStorage.connectionString: the connection string of the storage account must have DefaultEndpointsProtocol=https",
        ),
        (with("/accessKey", json!("canary-not-base64!")), "accessKey: "),
        (with("/poolId", json!("")), "poolId: "),
        (with("/containerImage", json!(null)), "containerImage: "),
        (with("/targetOs", json!("WINDOWS")), "targetOS: "),
        (with("/commands", json!([])), "commands: "),
        (
            with("/commands", json!(["node", "-e", "x".repeat(140_000)])),
            "commands: argument 2 of the command has 140000 bytes",
        ),
        (with("/environment", json!({"TOKEN": canary.repeat(10_000)})), "env: 'TOKEN' has "),
        (with("/registry/password", json!(null)), "registry.password: "),
        (with("/registry/userName", json!(null)), "registry.userName: "),
        (with("/registry", json!({})), "registry.identityReference.resourceId: "),
        (
            with("/registry/identityReference", json!({"resourceId": "/subscriptions/x"})),
            "registry.identityReference: ",
        ),
        (with("/blobStorage/containerName", json!(null)), "blobStorage.containerName: "),
        (storage(json!({})), "blobStorage.connectionString: "),
        (storage(json!({"connectionString": "AccountName=a"})), "blobStorage.connectionString: "),
        (
            storage(json!({"endpoint": endpoint, "sharedKeyAccountName": "acct"})),
            "blobStorage.sharedKeyAccountAccessKey: ",
        ),
        (
            storage(json!({"endpoint": endpoint, "sharedKeyAccountAccessKey": canary})),
            "blobStorage.sharedKeyAccountName: ",
        ),
        (
            storage(
                json!({"endpoint": endpoint, "sharedKeyAccountName": "acct", "sharedKeyAccountAccessKey": canary, "sasToken": sas}),
            ),
            "blobStorage.sasToken: it is set together with blobStorage.sharedKeyAccountAccessKey",
        ),
        (storage(json!({"sasToken": sas})), "blobStorage.endpoint: "),
        (
            storage(
                json!({"connectionString": format!("BlobEndpoint={endpoint};SharedAccessSignature={}", sas.replace("2126", "2025"))}),
            ),
            "blobStorage.connectionString: the SAS expires before the run's limit",
        ),
        (
            storage(json!({"endpoint": endpoint, "sasToken": canary})),
            "blobStorage.sasToken: this is no SAS",
        ),
        (
            storage(json!({"endpoint": endpoint, "sasToken": sas.replace("2126", "2025")})),
            "blobStorage.sasToken: the SAS expires before the run's limit",
        ),
        (
            storage(
                json!({"endpoint": endpoint, "sasToken": sas, "identityReference": {"resourceId": " "}}),
            ),
            "blobStorage.identityReference.resourceId: ",
        ),
        (
            storage(json!({"sharedKeyAccountAccessKey": canary, "sharedKeyAccountName": "a"})),
            "blobStorage.endpoint: ",
        ),
        (
            parts("http://acct.blob.core.windows.net", "acct", canary),
            "blobStorage.endpoint: the blob endpoint must be https",
        ),
        (
            parts("https://acct.blob.core.windows.net/box", "acct", canary),
            "blobStorage.endpoint: the blob endpoint has a path",
        ),
        (
            parts("https://acct.blob.core.windows.net", canary, "acct"),
            "blobStorage.sharedKeyAccountName: ",
        ),
        (
            parts("https://acct.blob.core.windows.net", "acct", "canary!"),
            "blobStorage.sharedKeyAccountAccessKey: ",
        ),
        (
            storage(json!({"connectionString": "x", "sharedKeyAccountName": "a"})),
            "blobStorage.connectionString: it is set together with blobStorage.sharedKeyAccountName",
        ),
    ];
    for (request, start) in table {
        let message = refusal(&request);
        assert!(message.starts_with(start), "{start} {message}");
        assert!(!message.contains("canary") && !message.contains(canary), "{message}");
    }
}

/// The fixture, signed in to as these properties say.
fn signed_in(properties: Value) -> Value {
    let mut request = with("/accessKey", json!(null));
    request.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    request
}

#[test]
fn an_identity_that_cannot_be_is_refused_by_property() {
    let (tenant, client) = ("contoso.onmicrosoft.com", "22222222-0000-4000-8000-000000000002");
    let canary = "canary~secret";
    for (properties, start) in [
        (json!({"clientSecret": canary}), "tenantId: it is missing; a service principal needs"),
        (json!({"clientSecret": canary, "tenantId": tenant}), "clientId: it is missing"),
        (json!({"pemCertificate": canary, "clientId": client}), "tenantId: it is missing"),
        (
            json!({"pemCertificate": canary, "clientId": client, "tenantId": tenant}),
            "pemCertificate: there is no certificate in it",
        ),
        (
            json!({"pemCertificate": canary, "clientSecret": canary, "clientId": client, "tenantId": tenant}),
            "pemCertificate: it is set together with clientSecret",
        ),
        (json!({"tenantId": "canary/~"}), "tenantId: this cannot be a tenant"),
        (json!({"clientId": "canary"}), "clientId: this cannot be a client"),
        (
            json!({"accessKey": "Y2FuYXJ5", "clientId": client}),
            "accessKey: it is set together with clientId",
        ),
    ] {
        let message = refusal(&signed_in(properties));
        assert!(message.starts_with(start), "{start} {message}");
        assert!(!message.contains("canary") && !message.contains("Y2FuYXJ5"), "{message}");
    }
    let good = json!({"clientSecret": canary, "clientId": client, "tenantId": tenant});
    let mut elsewhere = signed_in(good.clone());
    elsewhere["endpoint"] = json!("https://batch.example.com");
    let refused = refusal(&elsewhere);
    assert!(
        refused.starts_with("endpoint: an identity's tokens are sent to hosts of Azure alone"),
        "{refused}"
    );
    assert_eq!(refusal(&signed_in(good.clone())), "");
    // The identity is for the storage account.
    let mut both = signed_in(good);
    both["accessKey"] = json!("Y2FuYXJ5");
    both["blobStorage"] =
        json!({"containerName": "data", "endpoint": "https://acct.blob.core.windows.net"});
    assert_eq!(refusal(&both), "");
    let mut elsewhere = both.clone();
    elsewhere["blobStorage"]["endpoint"] = json!("https://files.example.com");
    assert!(refusal(&elsewhere).starts_with("blobStorage.endpoint: an identity's tokens"));
    both["waitUntilCompletion"] = json!(7 * 24 * 3600);
    assert!(refusal(&both).starts_with("waitUntilCompletion: it must be at most 165 hours"));
    both["blobStorage"]["identityReference"] = json!({"resourceId": "/subscriptions/x"});
    assert_eq!(refusal(&both), "");
}

#[test]
fn the_fixture_itself_is_good() {
    assert_eq!(refusal(&serde_json::from_str(FIXTURE).unwrap()), "");
}

#[test]
fn what_comes_back_without_blob_storage_is_refused() {
    let mut nothing = with("/blobStorage", json!(null));
    nothing["outputFiles"] = json!([]);
    nothing["outputDir"] = json!(null);
    assert_eq!(refusal(&nothing), "");
    for (field, value) in [
        ("outputFiles", json!(["a.txt"])),
        ("outputDir", json!("out")),
        ("syncWorkingDirectory", json!(true)),
    ] {
        let mut request = nothing.clone();
        request[field] = value;
        assert!(refusal(&request).starts_with("blobStorage: `outputFiles`, "), "{field}");
    }
}

/// Java renders the properties and leaves it to Rust to say what is missing.
#[test]
fn a_property_that_every_run_needs_is_named_where_it_is_missing() {
    for property in [
        "account",
        "endpoint",
        "poolId",
        "entryPoint",
        "elevationLevel",
        "autoUserScope",
        "waitUntilCompletion",
        "completionCheckInterval",
        "delete",
        "resume",
        "streamLogs",
        "syncWorkingDirectory",
    ] {
        let refusal = refusal(&with(&format!("/{property}"), json!(null)));
        let expected = format!("{property}: it is required, and empty");
        let is_text = matches!(property, "account" | "endpoint" | "poolId");
        assert!(refusal.starts_with(&expected), "{refusal}");
        assert_eq!(refusal.contains("or for all flows"), is_text, "{refusal}");
    }
    for image in [json!(null), json!(""), json!(" ")] {
        let refusal = refusal(&with("/containerImage", image));
        assert!(refusal.starts_with("containerImage: the Azure Batch task runner"), "{refusal}");
    }
}

#[test]
fn a_duration_that_makes_no_sense_is_refused_by_its_property() {
    for property in
        ["timeout", "waitUntilCompletion", "waitUntilRunning", "completionCheckInterval"]
    {
        for seconds in [json!(0), json!(-1), json!(-0.5), json!(1e12), json!(1e300)] {
            let refusal = refusal(&with(&format!("/{property}"), seconds));
            assert_eq!(
                refusal,
                format!("{property}: it must be longer than 0 and at most 180 days (P180D)")
            );
        }
    }
    assert_eq!(refusal(&with("/timeout", json!(0.25))), "");
}

#[test]
fn an_account_of_the_pool_has_rights_of_its_own() {
    for (property, value) in [("elevationLevel", "ADMIN"), ("autoUserScope", "POOL")] {
        let mut request = with("/userName", json!("mine"));
        assert_eq!(refusal(&request), "");
        request[property] = json!(value);
        let start = format!("{property}: it is for a user that Azure Batch makes, and `userName`");
        assert!(refusal(&request).starts_with(&start), "{property}");
    }
}

#[tokio::test]
async fn an_unknown_pool_is_named_and_nothing_is_created() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    request["poolId"] = json!("nowhere");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Invalid);
    let start = "poolId: there is no pool 'nowhere' in the Batch account 'labbatch'";
    assert!(report.message().starts_with(start), "{report:?}");
    assert_eq!(lab.changes(), [""; 0]);
    assert_eq!(lab.blobs().await, [""; 0]);
}

#[tokio::test]
async fn a_wrong_access_key_is_named_and_not_shown() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    request["accessKey"] = json!("Y2FuYXJ5LXNlY3JldA==");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Invalid);
    assert!(report.message().starts_with("accessKey: "), "{report:?}");
    let told = format!("{report:?}");
    assert!(!told.contains("Y2FuYXJ5") && !told.contains("canary"), "{told}");
}

/// A service that answers every request with 403, a code and a message. It ends with the test.
async fn refusing(code: &'static str, message: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let mut connection = BufReader::new(connection);
            receive(&mut connection).await;
            let body = json!({"code": code, "message": {"value": message}}).to_string();
            let answer = format!(
                "HTTP/1.1 403 X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            connection.write_all(answer.as_bytes()).await.ok();
        }
    });
    endpoint
}

#[tokio::test]
async fn a_storage_account_that_refuses_for_another_reason_than_the_key_says_which() {
    let lab = Lab::start().await;
    let table = [
        ("AuthorizationFailure", "This request is not authorized.", "network rules do not let"),
        ("KeyBasedAuthenticationNotPermitted", "Not permitted.", "allowSharedKeyAccess is false"),
        ("AuthenticationFailed", "Wrong signature.", "the storage account refused the key"),
    ];
    for (code, message, meaning) in table {
        let mut request = lab.request("true");
        let account = request["blobStorage"]["sharedKeyAccountName"].as_str().unwrap();
        let endpoint = format!("{}/{account}", refusing(code, message).await);
        request["blobStorage"]["endpoint"] = json!(endpoint);
        let report = lab.run(&request).await;
        assert_eq!(report.outcome().status, Status::Invalid);
        let told = report.message();
        assert!(told.starts_with("blobStorage: ") && told.contains(meaning), "{told}");
        assert!(told.contains(code), "{told}");
        assert_eq!(told.contains("refused the key"), code == "AuthenticationFailed", "{told}");
    }
    assert_eq!(lab.changes(), [""; 0]);
}

#[tokio::test]
async fn a_batch_account_that_refuses_for_another_reason_than_the_key_says_which() {
    let lab = Lab::start().await;
    let modes = "Server failed to authenticate the request.\nAuthenticationErrorDetail: \
                 The specified type of authentication SharedKey is not allowed for this account.";
    let table = [
        ("AuthorizationFailure", "Not authorized.", "account: 'labbatch': the account's network"),
        ("AuthenticationFailed", modes, "account: 'labbatch': the Batch account does not permit"),
        ("AccountIsDisabled", "Disabled.", "account: 'labbatch': the account is disabled"),
        ("AuthenticationFailed", "Wrong signature.", "accessKey: the Batch account 'labbatch'"),
    ];
    for (code, message, start) in table {
        let mut request = lab.request("true");
        request["endpoint"] = json!(refusing(code, message).await);
        let report = lab.run(&request).await;
        assert_eq!(report.outcome().status, Status::Invalid);
        assert!(report.message().starts_with(start), "{report:?}");
    }
    assert_eq!(lab.blobs().await, [""; 0]);
}

#[tokio::test]
async fn blanks_around_names_keys_and_endpoints_are_not_meant() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    for pointer in [
        "/account",
        "/accessKey",
        "/endpoint",
        "/poolId",
        "/containerImage",
        "/blobStorage/containerName",
        "/blobStorage/endpoint",
        "/blobStorage/sharedKeyAccountName",
        "/blobStorage/sharedKeyAccountAccessKey",
    ] {
        let value = request.pointer_mut(pointer).unwrap();
        *value = json!(format!(" {}\r\n", value.as_str().unwrap()));
    }
    request["blobStorage"]["connectionString"] = json!(" \n");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
}

#[tokio::test]
async fn a_container_that_does_not_exist_is_named_and_nothing_is_created() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    request["blobStorage"]["containerName"] = json!("nowhere");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Invalid);
    assert!(report.message().starts_with("blobStorage.containerName: "), "{report:?}");
    assert!(report.message().contains("'nowhere'"), "{report:?}");
    assert_eq!(lab.changes(), [""; 0]);
}

#[tokio::test]
async fn a_working_directory_that_cannot_be_read_is_told_and_no_job_is_created() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    request["localWorkingDir"] = json!(lab.dir.path().join("lost"));
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Failed);
    let start = "inputFiles: the working directory cannot be read: No such file";
    assert!(report.message().starts_with(start), "{report:?}");
    assert_eq!(lab.changes(), [""; 0]);
}

#[tokio::test]
async fn all_that_is_asked_before_anything_is_created_is_asked_at_the_same_time() {
    let (lab, gate) = (Lab::start().await, Gate::start().await);
    let questions = ["get pool", "get jobs", "get blobs"].map(|kind| Step::new(kind, 1));
    let held = questions.clone().map(|step| gate.hold(&step));
    let run = lab.start_run_with(&lab.request("true"), &gate.client());
    gate.until(|gate| questions.iter().all(|step| gate.steps().contains(step))).await;
    held.iter().for_each(|held| held.release());
    assert_eq!(run.ended().await.outcome().status, Status::Succeeded);
    // What is held for too long is asked again.
    assert!(!gate.steps().contains(&Step::new("get pool", 2)));
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_named() {
    let lab = Lab::start().await;
    let closed = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", free.local_addr().unwrap())
    };
    let mut request = lab.request("true");
    request["endpoint"] = json!(closed);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Failed);
    let message = report.message();
    assert!(message.starts_with("endpoint: ") && message.contains(&closed), "{report:?}");
    assert_eq!(lab.blobs().await, [""; 0]);
}

/// The names of what a run makes begin with it, and so do those of what is removed.
#[test]
fn a_prefix_of_another_form_is_refused() {
    for bad in [
        "",
        "kestra-",
        "precious",
        "kestra-5c0ffee5c0ff",
        "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0ff/..",
        "/",
    ] {
        for storage in ["/blobStorage", "/registry"] {
            let mut request = with(storage, json!(null));
            request["outputFiles"] = json!([]);
            request["outputDir"] = json!(null);
            request["stagingPrefix"] = json!(bad);
            assert!(
                refusal(&request).starts_with("stagingPrefix: "),
                "{bad} {}",
                refusal(&request)
            );
        }
    }
}
