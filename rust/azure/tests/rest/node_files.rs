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
    assert_eq!(read(&batch, 10, 100).await.unwrap(), None);
}

#[tokio::test]
async fn a_rest_longer_than_what_was_read_is_taken_as_it_is() {
    let service = ScriptedService::start([Reply::ok(FILE), Reply::length(12)]).await;
    assert_eq!(read(&service.batch(), 2, 100).await.unwrap().unwrap(), FILE);
    assert_eq!(service.received()[1].method, "HEAD");
}

#[tokio::test]
async fn nothing_past_the_end_and_no_file_yet_are_no_errors() {
    let service = ScriptedService::start([
        Reply::error(416, "InvalidRange"),
        Reply::error(404, "FileNotFound"),
        Reply::error(404, "NodeNotFound"),
        Reply::error(409, "NodeNotReady"),
        Reply::error(409, "OperationInvalidForCurrentState"),
        Reply::error(409, "TaskFilesUnavailable"),
        Reply::error(409, "TaskFilesCleanedup"),
        Reply::ok(""),
    ])
    .await;
    for _ in 0..8 {
        assert_eq!(read(&service.batch(), 5, 9).await.unwrap(), None);
    }
    assert_eq!(service.calls().len(), 8);
}

#[tokio::test]
async fn a_node_in_trouble_shows_no_file_for_now() {
    for (status, code) in [
        (409, "NodeStateUnusable"),
        (409, "NodeBeingRebooted"),
        (409, "NodeBeingReimaged"),
        (409, "NodeBeingStarted"),
        (409, "OperationNotValidOnNode"),
        (403, "IOError"),
    ] {
        // A HEAD has no body, so its 409 has no code; what its 403 means a GET has to tell.
        let head = [Reply::status(status), Reply::error(status, code)];
        let head = head.into_iter().take(if status == 403 { 2 } else { 1 });
        let service =
            ScriptedService::start([Reply::error(status, code)].into_iter().chain(head)).await;
        assert_eq!(read(&service.batch(), 5, 9).await.unwrap(), None, "{code}");
        let length = service.batch().get_task_file_length("j", "t", "stdout.txt").await;
        assert_eq!(length.unwrap(), None, "{code}");
    }
}

#[tokio::test]
async fn a_403_that_is_not_about_the_node_is_an_error() {
    let forbidden = [Reply::status(403), Reply::error(403, "AuthenticationFailed")];
    for answer in forbidden {
        let service =
            ScriptedService::start([answer.clone(), Reply::status(403), answer.clone()]).await;
        let batch = service.batch();
        let by_get = read(&batch, 0, 9).await.unwrap_err();
        let by_head = batch.get_task_file_length("j", "t", "stdout.txt").await.unwrap_err();
        assert_eq!((by_get.status(), by_head.status()), (Some(403), Some(403)));
        assert_eq!(by_get.code(), by_head.code());
    }
    let service = ScriptedService::start([Reply::status(403), Reply::ok("0")]).await;
    let error = service.batch().get_task_file_length("j", "t", "stdout.txt").await.unwrap_err();
    assert_eq!(error.status(), Some(403));
}

#[tokio::test]
async fn a_node_that_goes_while_a_piece_is_placed_costs_no_byte() {
    let service = ScriptedService::start([
        Reply::ok(FILE),
        Reply::status(409),
        Reply::ok(FILE),
        Reply::length(14),
    ])
    .await;
    let batch = service.batch();
    assert_eq!(read(&batch, 4, 100).await.unwrap(), None);
    assert_eq!(read(&batch, 4, 100).await.unwrap().unwrap(), FILE);
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
async fn the_length_of_a_file_is_told_without_reading_it() {
    let service = ScriptedService::start([
        Reply::length(12_345),
        Reply::status(404),
        Reply::status(503),
        Reply::length(0),
    ])
    .await;
    let batch = service.batch();
    let length = async || batch.get_task_file_length("j", "t", "wd/a b").await.unwrap();
    assert_eq!(length().await, Some(12_345));
    assert_eq!(length().await, None);
    assert_eq!(length().await, Some(0));
    assert_eq!(service.calls(), ["HEAD /jobs/j/tasks/t/files/wd/a%20b"; 4]);
}

#[tokio::test]
async fn a_read_that_breaks_off_is_begun_again() {
    let half = Reply::Break(b"HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n0123".to_vec());
    let service = ScriptedService::start([half, Reply::ok(FILE)]).await;
    assert_eq!(read(&service.batch(), 0, 100).await.unwrap().unwrap(), FILE);
}
