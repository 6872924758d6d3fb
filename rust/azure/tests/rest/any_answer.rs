//! Whatever a service sends, each call ends with a value or an error.

use crate::scripted_service::{Reply, ScriptedService, container_at};
use azure::{
    batch::{BatchClient, JobPatch, NewJob, NewTask},
    blob::BlobContainer,
};
use bytes::Bytes;
use proptest::prelude::*;
use std::{sync::Arc, time::Duration};

/// Any bytes, or something that looks like an answer.
fn answer() -> impl Strategy<Value = Reply> {
    let noise = prop::collection::vec(any::<u8>(), 0..200);
    let bytes = prop_oneof![
        1 => noise.clone(),
        4 => (status_line(), prop::collection::vec(header(), 0..5), body(noise)).prop_map(join),
    ];
    // A connection that stays open after too few bytes, or is closed after too many.
    (bytes, any::<bool>()).prop_map(|(bytes, stays)| match stays {
        true => Reply::Answer(bytes),
        false => Reply::Break(bytes),
    })
}

fn join((status, headers, body): (String, Vec<String>, Vec<u8>)) -> Vec<u8> {
    [format!("{status}\r\n{}\r\n", headers.concat()).into_bytes(), body].concat()
}

fn status_line() -> impl Strategy<Value = String> {
    let status = prop::sample::select(vec![
        100, 101, 103, 200, 201, 202, 204, 206, 299, 301, 304, 400, 403, 404, 409, 416, 429, 500,
        599, 999,
    ]);
    prop_oneof![
        9 => status.prop_map(|status| format!("HTTP/1.1 {status} X")),
        1 => "HTTP/[0-9.]{0,3} [0-9]{0,4} \\PC{0,8}",
    ]
}

fn header() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "content-length",
        "content-range",
        "content-encoding",
        "content-type",
        "date",
        "etag",
        "last-modified",
        "location",
        "retry-after",
        "transfer-encoding",
        "x-ms-error-code",
        "x-ms-request-id",
        "x-ms-request-server-encrypted",
    ]);
    let value = prop_oneof![
        "[0-9]{1,2}|[0-9]{1,25}",
        "bytes [0-9]{0,3}-[0-9]{0,20}/[0-9*]{0,3}",
        "chunked|gzip|identity",
        "BlobNotFound|JobExists|FileNotFound",
        "Sun, 22 Nov 2026 17:10:00 GMT",
        "\\PC{0,12}",
    ];
    prop_oneof![
        9 => (name, value).prop_map(|(name, value)| format!("{name}: {value}\r\n")),
        1 => "\\PC{0,20}\r\n",
    ]
}

fn body(noise: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let json = r#"\{"(id|value|code|message|executionInfo|odata.nextLink)":(\[\{?|"a"|1|null|\{\}){1,2}[\]\}]{0,4}"#;
    let xml = "<E(numerationResults|rror)?>(<(Blobs|Blob|Name|Code|Properties)( a='1')?/?>|a|&lt;|&#0;){0,8}(</Blob>|</Blobs>|</E>){0,3}";
    prop_oneof![
        noise,
        json.prop_map(String::into_bytes),
        xml.prop_map(String::into_bytes),
        "([0-9a-f]{1,17}\r\n[a-z]{0,9}\r\n){0,3}".prop_map(String::into_bytes),
    ]
}

/// Each call of both clients. What is repeated finds that the script is over, a 400.
async fn call(number: usize, service: &ScriptedService) {
    match number {
        0..12 => call_batch(number, service.batch()).await,
        _ => call_blobs(number, container_at(&service.endpoint)).await,
    }
}

async fn call_batch(number: usize, batch: BatchClient) {
    match number {
        0 => drop(batch.get_pool("p").await),
        1 => drop(batch.list_nodes("p").await),
        2 => drop(batch.create_job(&NewJob::default()).await),
        3 => drop(batch.get_job("j").await),
        4 => drop(batch.list_jobs(None).await),
        5 => drop(batch.patch_job("j", &JobPatch::default()).await),
        6 => drop(batch.terminate_job("j", "r").await),
        7 => drop(batch.delete_job("j").await),
        8 => drop(batch.create_task("j", &NewTask::default()).await),
        9 => drop(batch.get_task("j", "t").await),
        10 => drop(batch.terminate_task("j", "t").await),
        _ => drop(batch.get_task_file("j", "t", "f", 5, 10).await),
    }
}

async fn call_blobs(number: usize, container: BlobContainer) {
    match number {
        12 => drop(container.directories("").await),
        13 => drop(container.list("in/").await),
        14 => drop(container.get_bytes("a", 10).await),
        15 => drop(container.get_range("a", 5, 10).await),
        16 => drop(container.get_file("a", 7, Arc::new(|_, _: &[u8]| Ok(()))).await),
        17 => drop(container.put_bytes("a", Bytes::from_static(b"x")).await),
        18 => drop(container.put_bytes_if("a", Bytes::from_static(b"x"), None).await),
        _ => drop(container.delete("a").await),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The clock is paused: what would hang is at its limit at once.
    #[test]
    fn every_call_ends_whatever_comes(number in 0..20_usize, replies in prop::collection::vec(answer(), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let ended = runtime.block_on(async {
            let service = ScriptedService::start(replies).await;
            tokio::time::timeout(Duration::from_secs(3600), call(number, &service)).await
        });
        prop_assert!(ended.is_ok());
    }
}
