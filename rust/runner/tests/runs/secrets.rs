//! No secret in anything that a run tells.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use runner::Status;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, dispatcher};

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
        changed("/localWorkingDir", json!("/nowhere")),
        changed("/endpoint", json!("http://127.0.0.1:1")),
        changed("/blobStorage/endpoint", json!("http://127.0.0.1:1/acct")),
    ];
    for request in runs {
        let report = lab.run(&request).await;
        let told = format!("{report:?}");
        assert_eq!(found(&told, &secrets(&request)), None, "{told}");
    }
}

/// Takes all that is traced at any level, in every thread.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<Vec<String>>>);

impl Visit for Traced {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.lock().unwrap().push(format!("{field}={value:?}"));
    }
}

impl Subscriber for Traced {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// RUSTSEC-2026-0275: `azure_core` 0.21 traces the Authorization header of every request.
#[tokio::test]
async fn a_run_traces_nothing_even_to_a_subscriber_at_trace() {
    let traced = Traced::default();
    dispatcher::set_global_default(traced.clone().into()).unwrap();
    let lab = Lab::start().await;
    lab.write("in.txt", b"in");
    let mut request = lab.request("cp in.txt out.txt");
    request["outputFiles"] = json!(["out.txt"]);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    let traced = traced.0.lock().unwrap();
    let worst = traced.iter().find(|text| text.contains("SharedKey")).or(traced.first());
    assert_eq!(worst, None, "and {} more", traced.len());
    assert_eq!(STATIC_MAX_LEVEL, LevelFilter::OFF);
}
