//! Property tests: any request is answered promptly, with an error of the service but never an
//! internal one.

mod bodies;

use azure_batch_emulator::Isolation;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::client::now;
use crate::support::raw::{self, RawReply};
use crate::support::{ACCOUNT, Cloud};

/// The number of generated values.
const CASES: u32 = 256;

/// Checks a number of generated values against one emulator. The task of the job `run` has ended,
/// those of `job` never run.
fn for_each<S: Strategy>(cases: u32, values: &S, check: impl AsyncFn(&Cloud, S::Value)) {
    let runtime = Runtime::new().unwrap();
    let _context = runtime.enter();
    let cloud = runtime.block_on(async {
        let cloud = Cloud::start_with(|settings| settings.isolation = Isolation::None).await;
        let job = json!({"poolInfo": {"poolId": "later"}, "usesTaskDependencies": true, "onTaskFailure": "performexitoptionsjobaction"});
        cloud.job_with("job", job).await;
        cloud.script("job", "waiting", "true").await;
        let schedule = json!({
            "id": "schedule",
            "schedule": {"doNotRunUntil": "2050-01-01T00:00:00Z"},
            "jobSpecification": {"poolInfo": {"poolId": "later"}},
        });
        cloud.client.post("/jobschedules").json(&schedule).send().await.expect(201);
        cloud.run("echo output").await;
        cloud
    });
    let outcome = TestRunner::new(ProptestConfig::with_cases(cases)).run(values, |value| {
        runtime.block_on(check(&cloud, value));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

fn is_answer(status: u16, body: &Value) {
    let refused = status >= 400;
    assert!((200..500).contains(&status), "{status}: {body}");
    assert!(!refused || body["code"].is_string(), "{status}: {body}");
}

fn is_raw_answer(verb: &str, reply: &RawReply) {
    match verb {
        "HEAD" => assert!((200..500).contains(&reply.status), "{reply:?}"),
        _ => is_answer(reply.status, &reply.body),
    }
}

/// Bytes that are allowed in a header.
fn header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(
            any::<u8>().prop_filter("ends the line", |byte| !b"\r\n\0".contains(byte)),
            0..40
        ),
        "(SharedKey|Bearer|sharedkey)? ?[a-zA-Z]{0,9}:?[A-Za-z0-9+/= ]{0,50}"
            .prop_map(String::into_bytes),
        "[A-Za-z0-9+/=]{0,50}".prop_map(|text| format!("SharedKey {ACCOUNT}:{text}").into_bytes()),
    ]
}

#[test]
fn any_authorization_is_refused() {
    for_each(CASES, &header(), async |cloud, header| {
        let head = format!("GET /jobs?api-version=2025-06-01 HTTP/1.1\r\nocp-date: {}\r\n", now());
        let request = [head.as_bytes(), b"authorization: ", &header, b"\r\n"].concat();
        let reply = raw::send(&cloud.emulator.endpoint(), &request).await;
        assert!(matches!(reply.status, 400 | 403), "{reply:?}");
    });
}

#[test]
fn any_text_is_a_condition_a_date_or_a_range_or_is_refused() {
    let names = [
        "ocp-range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "ocp-date",
    ];
    let text = prop_oneof![
        "[!-~]([ -~]{0,30}[!-~])?",
        "bytes=[0-9-]{0,8}",
        "[A-Z][a-z]{2}, [0-9]{2} Nov 20[0-9]{2} [0-9:]{8} GMT"
    ];
    for_each(CASES, &(select(names.to_vec()), text), async |cloud, (name, text)| {
        for path in ["/jobs/job", "/jobs/run/tasks/task/files/stdout.txt"] {
            let reply = cloud.client.get(path).header(name, &text).send().await;
            // A 304 response has no body.
            is_answer(reply.status, &reply.body);
        }
    });
}

/// An encoded part of a path, sometimes one that exists.
fn segment() -> impl Strategy<Value = String> {
    let known = [
        "jobs",
        "tasks",
        "files",
        "pools",
        "nodes",
        "job",
        "task",
        "pool",
        "stdout.txt",
        "terminate",
        "..",
    ];
    let bytes = prop::collection::vec(any::<u8>(), 0..6);
    prop_oneof![
        4 => select(known.to_vec()).prop_map(str::to_owned),
        1 => bytes.prop_map(|bytes| percent_encode(&bytes, NON_ALPHANUMERIC).to_string()),
        1 => "[!$&'()*+,;=:@~.a-z-]{1,6}",
    ]
}

fn verb() -> impl Strategy<Value = &'static str> {
    select(vec![
        "GET", "GET", "GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW",
    ])
}

/// A path of an operation with arbitrary parameters, or any path.
fn path() -> impl Strategy<Value = String> {
    let known = [
        "/jobs/*",
        "/jobs/*/terminate",
        "/jobs/*/tasks/*",
        "/jobs/job/tasks/*",
        "/jobs/job/tasks/*/terminate",
        "/jobs/run/tasks/task/files/*",
        "/jobs/run/tasks/task/files/*/*/*",
        "/pools/*",
        "/pools/pool/nodes/*",
        "/pools/pool/nodes/*/files/*",
    ];
    let filled =
        (select(known.to_vec()), prop::collection::vec(segment(), 4)).prop_map(|(path, parts)| {
            parts.iter().fold(path.to_owned(), |path, part| path.replacen('*', part, 1))
        });
    let any =
        prop::collection::vec(segment(), 0..8).prop_map(|parts| format!("/{}", parts.join("/")));
    prop_oneof![2 => filled, 1 => any]
}

#[test]
fn any_path_is_answered_or_refused() {
    for_each(CASES, &(verb(), path()), async |cloud, (verb, path)| {
        let query = "api-version=2025-06-01";
        is_raw_answer(
            verb,
            &raw::send_signed(&cloud.emulator.endpoint(), verb, &path, query).await,
        );
    });
}

#[test]
fn any_query_is_understood_or_refused() {
    let names = [
        "$filter",
        "$select",
        "$expand",
        "maxresults",
        "timeOut",
        "$skiptoken",
        "recursive",
        "force",
    ];
    let name =
        prop_oneof![4 => select(names.to_vec()).prop_map(str::to_owned), 1 => "[a-z$%&=]{0,5}"];
    let bytes = prop::collection::vec(any::<u8>(), 0..12);
    let value = prop_oneof![
        bytes.prop_map(|bytes| percent_encode(&bytes, NON_ALPHANUMERIC).to_string()),
        "[a-z0-9'()+,$%=/-]{0,12}",
        "(id|state)\\+(eq|ne|ge)\\+'[a-z%27]{0,4}'",
        "-?[0-9]{1,30}",
    ];
    let query = prop::collection::vec((name, value), 0..4);
    let paths = select(vec!["/jobs", "/jobs/job", "/jobs/job/tasks", "/pools/pool"]);
    for_each(CASES, &(paths, query), async |cloud, (path, query)| {
        let pairs = query.iter().map(|(name, value)| format!("&{name}={value}"));
        let query = format!("api-version=2025-06-01{}", pairs.collect::<String>());
        is_raw_answer(
            "GET",
            &raw::send_signed(&cloud.emulator.endpoint(), "GET", path, &query).await,
        );
    });
}
