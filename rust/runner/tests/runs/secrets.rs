//! No secret in anything that a run tells.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::Lab;

/// What was planted, as it would read plain, percent-encoded or in base64.
fn forms(secret: &str) -> [String; 3] {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    [secret.to_owned(), encoded, BASE64_STANDARD.encode(secret)]
}

pub(crate) fn found(text: &str, secrets: &[String]) -> Option<String> {
    secrets.iter().flat_map(|secret| forms(secret)).find(|form| text.contains(form.as_str()))
}

/// All keys and passwords of a request.
pub(crate) fn secrets(request: &Value) -> Vec<String> {
    let pointers = [
        "/accessKey",
        "/blobStorage/connectionString",
        "/blobStorage/sharedKeyAccountAccessKey",
        "/registry/password",
    ];
    let planted = pointers.iter().filter_map(|at| request.pointer(at)?.as_str());
    // The signature of every SAS.
    planted.map(str::to_owned).chain(["sig=".to_owned()]).collect()
}

#[test]
fn the_scan_finds_a_secret_in_every_form() {
    let secrets = ["c2Vj/cmV0+A==".to_owned()];
    for text in ["key=c2Vj/cmV0+A==;", "c2Vj%2FcmV0%2BA%3D%3D", "YzJWai9jbVYwK0E9PQ=="] {
        assert!(found(text, &secrets).is_some(), "{text}");
    }
}

#[tokio::test]
async fn no_run_tells_a_secret_however_it_ends() {
    let lab = Lab::start().await;
    let mut good = lab.request("echo hello; exit 3");
    good["registry"] = json!({"userName": "u", "password": "cmVnaXN0cnktc2VjcmV0"});
    good["outputFiles"] = json!(["none.txt"]);
    let changed = |pointer: &str, value: Value| {
        let mut request = good.clone();
        *request.pointer_mut(pointer).unwrap() = value;
        request
    };
    let runs = [
        good.clone(),
        changed("/poolId", json!("nowhere")),
        changed("/accessKey", json!("d3JvbmcgYmF0Y2gga2V5")),
        changed("/blobStorage/sharedKeyAccountAccessKey", json!("d3Jvbmcgc3RvcmUga2V5")),
        changed("/blobStorage/containerName", json!("nowhere")),
        changed("/containerImage", json!("registry.example/missing:1")),
        changed("/inputFiles", json!(["missing.txt"])),
        changed("/endpoint", json!("http://127.0.0.1:1")),
        changed("/blobStorage/endpoint", json!("http://127.0.0.1:1/labstore")),
    ];
    for request in runs {
        let report = lab.run(&request).await;
        let told = format!("{report:?}");
        assert_eq!(found(&told, &secrets(&request)), None, "{told}");
    }
}
