//! Reading a log that grows, from services that treat ranges differently.

use crate::scripted_service::{Reply, ScriptedService};
use azure::{Result, batch::BatchClient};
use bytes::Bytes;

const FILE: &str = "0123456789";

async fn read(batch: &BatchClient, from: u64, max: u64) -> Result<Option<Bytes>> {
    batch.get_task_file("j", "t", "stdout.txt", from, max).await
}

#[tokio::test]
async fn a_range_may_be_answered_with_200_or_206() {
    let range = [("content-range", "bytes 4-6/10")];
    let service = ScriptedService::start([
        Reply::ok("012"),
        Reply::ok("456"),
        Reply::new(206, &range, "456"),
        Reply::new(200, &range, "456"),
    ])
    .await;
    let batch = service.batch();
    assert_eq!(read(&batch, 0, 3).await.unwrap().unwrap(), "012");
    for _ in 0..3 {
        assert_eq!(read(&batch, 4, 3).await.unwrap().unwrap(), "456");
    }
    let received = service.received();
    assert_eq!(received[0].headers["ocp-range"], "bytes=0-2");
    assert_eq!(received[1].headers["ocp-range"], "bytes=4-6");
    assert_eq!(service.calls(), ["GET /jobs/j/tasks/t/files/stdout.txt"; 4]);
}

#[tokio::test]
async fn a_service_that_ignores_ranges_does_not_repeat_what_was_read() {
    let whole = || Reply::ok(FILE);
    let service = ScriptedService::start([
        whole(),
        whole(),
        // Here the ten bytes could be the rest of a longer file: its length tells.
        whole(),
        Reply::length(10),
        whole(),
        Reply::length(10),
    ])
    .await;
    let batch = service.batch();
    assert_eq!(read(&batch, 0, 4).await.unwrap().unwrap(), "0123");
    assert_eq!(read(&batch, 4, 3).await.unwrap().unwrap(), "456");
    assert_eq!(read(&batch, 7, 100).await.unwrap().unwrap(), "789");
    assert_eq!(read(&batch, 10, 100).await.unwrap().unwrap(), "");
}

#[tokio::test]
async fn a_rest_longer_than_what_was_read_is_taken_as_it_is() {
    let service = ScriptedService::start([Reply::ok(FILE), Reply::length(12)]).await;
    assert_eq!(read(&service.batch(), 2, 100).await.unwrap().unwrap(), FILE);
    assert_eq!(service.received()[1].method, "HEAD");
}

#[tokio::test]
async fn a_file_with_nothing_more_is_told_from_one_that_is_not_there() {
    for nothing_more in [Reply::error(416, "InvalidRange"), Reply::ok("")] {
        let service = ScriptedService::start([nothing_more]).await;
        assert_eq!(read(&service.batch(), 5, 9).await.unwrap().unwrap(), "");
    }
    for (status, code) in [
        (404, "FileNotFound"),
        (404, "NodeNotFound"),
        (409, "NodeNotReady"),
        (409, "OperationInvalidForCurrentState"),
        (409, "TaskFilesUnavailable"),
        (409, "TaskFilesCleanedup"),
        (409, "NodeStateUnusable"),
        (409, "NodeBeingRebooted"),
        (409, "NodeBeingReimaged"),
        (409, "NodeBeingStarted"),
        (409, "OperationNotValidOnNode"),
        (403, "IOError"),
    ] {
        let service = ScriptedService::start([Reply::error(status, code)]).await;
        assert_eq!(read(&service.batch(), 5, 9).await.unwrap(), None, "{code}");
    }
}

#[tokio::test]
async fn a_403_that_is_not_about_the_node_is_an_error() {
    for forbidden in [Reply::status(403), Reply::error(403, "AuthenticationFailed")] {
        let service = ScriptedService::start([forbidden]).await;
        assert_eq!(read(&service.batch(), 0, 9).await.unwrap_err().status(), Some(403));
    }
}

#[tokio::test]
async fn a_node_that_goes_while_a_piece_is_placed_costs_no_byte() {
    for gone in [404, 409, 403] {
        let service = ScriptedService::start([
            Reply::ok(FILE),
            Reply::status(gone),
            Reply::ok(FILE),
            Reply::length(14),
        ])
        .await;
        let batch = service.batch();
        assert_eq!(read(&batch, 4, 100).await.unwrap(), None);
        assert_eq!(read(&batch, 4, 100).await.unwrap().unwrap(), FILE);
    }
}

#[tokio::test]
async fn a_task_or_job_that_is_gone_is_an_error() {
    for (status, code) in
        [(404, "TaskNotFound"), (404, "JobNotFound"), (403, "AuthenticationFailed")]
    {
        let service = ScriptedService::start([Reply::error(status, code)]).await;
        let error = read(&service.batch(), 0, 9).await.unwrap_err();
        assert_eq!(error.code(), Some(code));
    }
}

#[tokio::test]
async fn a_read_that_breaks_off_is_begun_again() {
    let half = Reply::Break(b"HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n0123".to_vec());
    let service = ScriptedService::start([half, Reply::ok(FILE)]).await;
    assert_eq!(read(&service.batch(), 0, 100).await.unwrap().unwrap(), FILE);
}
