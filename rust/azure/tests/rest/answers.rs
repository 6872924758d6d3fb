//! Answers that are too long, too slow or too deep, and bodies on a slow line.

use crate::scripted_service::{Reply, ScriptedService, container_at};
use azure::{Error, ErrorKind};
use bytes::Bytes;
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// The head of an answer with so many bytes.
fn head(status: u16, length: usize) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

/// A byte a second, for ten minutes.
fn drip(head: Vec<u8>) -> Reply {
    let drops = std::iter::repeat_n(b" ".to_vec(), 600);
    Reply::Paced(Duration::from_secs(1), std::iter::once(head).chain(drops).collect())
}

fn assert_refused(error: &Error, words: &str) {
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Protocol, false), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn an_answer_longer_than_was_asked_for_is_refused() {
    let long = Reply::new(206, &[], "123456789");
    let document = Reply::ok(&format!("{{\"id\":\"j\"{}}}", " ".repeat(16 << 20)));
    let page = format!("<E><Blobs>{}</Blobs></E>", " ".repeat(16 << 20));
    let service = ScriptedService::start([long, document, Reply::ok(&page)]).await;
    let container = container_at(&service.endpoint);
    assert_refused(
        &container.get_range("a", 3, 8).await.unwrap_err(),
        "longer than the expected 8 bytes",
    );
    let expected = "longer than the expected 16777216 bytes";
    assert_refused(&service.batch().get_job("j").await.unwrap_err(), expected);
    assert_refused(&container.list("").await.unwrap_err(), expected);
    assert_eq!(service.calls().len(), 3, "asked for once each");
}

/// Each of the empty parts takes three to ten bytes here, and would take a hundred in memory.
#[tokio::test]
async fn an_answer_of_more_parts_than_any_has_is_refused() {
    let errors = vec!["{}"; 1_000_000].join(",");
    let pool = format!("{{\"id\":\"p\",\"state\":\"active\",\"resizeErrors\":[{errors}]}}");
    let page = format!("<E><Blobs>{}</Blobs></E>", "<a/>".repeat(1_000_000));
    let service = ScriptedService::start([Reply::ok(&pool), Reply::ok(&page)]).await;
    let expected = "more than 1000000 parts";
    assert_refused(&service.batch().get_pool("p").await.unwrap_err(), expected);
    assert_refused(&container_at(&service.endpoint).list("").await.unwrap_err(), expected);
}

#[tokio::test]
async fn a_list_without_end_is_refused() {
    let service = ScriptedService::start([]).await;
    let filler = " ".repeat(15 << 20);
    let link = format!("{}/jobs?$skiptoken=1", service.endpoint);
    let page = Reply::ok(&format!("{{\"value\":[],\"odata.nextLink\":\"{link}\"}}{filler}"));
    (0..5).for_each(|_| service.queue(page.clone()));
    let error = service.batch().list_jobs(None).await.unwrap_err();
    assert_refused(&error, "the list is longer than");
    let name = "a".repeat(15 << 20);
    let blob = format!("<Blob><Name>{name}</Name><Properties/></Blob>");
    let page = format!("<E><Blobs>{blob}</Blobs><NextMarker>1</NextMarker></E>");
    let service = ScriptedService::start(vec![Reply::ok(&page); 5]).await;
    let error = container_at(&service.endpoint).list("").await.unwrap_err();
    assert_refused(&error, "the list is longer than");
}

#[tokio::test]
async fn an_answer_without_end_is_refused() {
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let endless = |status: &str| {
        let head = format!("HTTP/1.1 {status} X\r\ntransfer-encoding: chunked\r\n\r\n");
        Reply::Endless(head.into_bytes(), chunk.clone())
    };
    let replies = [endless("200"), endless("200"), endless("201"), endless("403")];
    let service = ScriptedService::start(replies).await;
    let (batch, container) = (service.batch(), container_at(&service.endpoint));
    assert_refused(&batch.get_job("j").await.unwrap_err(), "longer than");
    assert_refused(&container.list("").await.unwrap_err(), "longer than");
    let body = Bytes::from_static(b"x");
    assert_refused(&container.put_bytes("a", body).await.unwrap_err(), "longer than");
    assert_eq!(container.get_range("a", 0, 8).await.unwrap_err().status(), Some(403));
}

#[tokio::test]
async fn a_log_without_end_is_read_as_far_as_it_is_wanted() {
    let reply = Reply::Endless(head(200, 1 << 40), vec![b'x'; 1 << 16]);
    let service = ScriptedService::start([reply]).await;
    let from = 1 << 26;
    let piece = service.batch().get_task_file("j", "t", "stdout.txt", from, 8).await.unwrap();
    assert_eq!(piece.unwrap(), "xxxxxxxx");
}

#[tokio::test]
async fn the_text_of_an_error_is_cut() {
    let message = "x".repeat(1 << 20);
    let xml = format!("<Error><Code>Q</Code><Message>{message}</Message></Error>");
    let service = ScriptedService::start([Reply::new(403, &[], &xml)]).await;
    let error = container_at(&service.endpoint).list("").await.unwrap_err();
    assert_eq!(error.status(), Some(403));
    assert!(error.to_string().len() <= 1 << 16);
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let first = b"HTTP/1.1 200 X\r\n".to_vec();
    for then in ["a: b\r\n".repeat(1000), "a".repeat(1000)] {
        let service =
            ScriptedService::start(vec![Reply::Endless(first.clone(), then.into()); 4]).await;
        let error = service.batch().get_job("j").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(error.to_string().contains("message head is too large"), "{error}");
    }
}

/// The clock is paused: it jumps ahead as soon as there is nothing left to do.
#[tokio::test(start_paused = true)]
async fn an_answer_that_drips_is_refused_in_words() {
    let service = ScriptedService::start(vec![drip(head(200, 600)); 8]).await;
    let error = service.batch().get_job("j").await.unwrap_err();
    assert!(error.to_string().contains("bytes of the answer came within 60 s"), "{error}");
    let error = container_at(&service.endpoint).get_range("a", 0, 600).await.unwrap_err();
    assert!(error.to_string().contains("bytes of the answer came within 60 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_begins_is_refused_in_words() {
    for reply in [Reply::Silence, drip(b"HTTP/1.1 200 X\r\na:".to_vec())] {
        let service = ScriptedService::start(vec![reply; 4]).await;
        let error = service.batch().get_job("j").await.unwrap_err();
        assert!(error.to_string().contains("for 60 s"), "{error}");
    }
}

/// 32 MiB at 256 KiB a second.
#[tokio::test(start_paused = true)]
async fn an_answer_on_a_slow_line_arrives() {
    let pieces = std::iter::repeat_n(vec![b'x'; 1 << 18], 128);
    let pieces = std::iter::once(head(206, 32 << 20)).chain(pieces).collect();
    let service = ScriptedService::start([Reply::Paced(Duration::from_secs(1), pieces)]).await;
    let part = container_at(&service.endpoint).get_range("a", 0, 32 << 20).await.unwrap();
    assert_eq!(part.unwrap().len(), 32 << 20);
}

#[tokio::test(start_paused = true)]
async fn a_body_on_a_slow_line_arrives() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let container = container_at(&format!("http://{}", listener.local_addr().unwrap()));
    let put = container.put_bytes("a", Bytes::from(vec![7; 32 << 20]));
    let serve = async {
        let mut connection = BufReader::new(listener.accept().await.unwrap().0);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            connection.read_line(&mut line).await.unwrap();
        }
        let mut seen = vec![0; 1 << 18];
        for _ in 0..128 {
            connection.read_exact(&mut seen).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let Reply::Answer(answer) = Reply::created() else { unreachable!() };
        connection.write_all(&answer).await.unwrap();
    };
    let (put, ()) = tokio::join!(put, serve);
    put.unwrap();
}

#[tokio::test]
async fn a_body_goes_with_its_length_and_not_in_chunks() {
    let service = ScriptedService::start([Reply::created()]).await;
    let body = Bytes::from((0..700_000).map(|n| (n % 251) as u8).collect::<Vec<_>>());
    container_at(&service.endpoint).put_bytes("a", body.clone()).await.unwrap();
    let received = service.received().remove(0);
    assert_eq!(received.headers["content-length"], "700000");
    assert!(!received.headers.contains_key("transfer-encoding"));
    assert!(received.body == body);
}

/// 47 s with quick-xml 0.38, which compared each attribute with all others.
#[tokio::test]
async fn eighty_thousand_attributes_are_read_at_once() {
    let attributes: String = (0..80_000).map(|n| format!(" a{n}=\"\"")).collect();
    let page = format!("<E><Blobs{attributes}/></E>");
    let service = ScriptedService::start([Reply::ok(&page)]).await;
    assert!(container_at(&service.endpoint).list("").await.unwrap().is_empty());
}

#[tokio::test]
async fn depth_does_not_end_the_process() {
    let nested = |first: &str, last: &str| first.repeat(100_000) + &last.repeat(100_000);
    let xml = format!("<E><Blobs><Blob><Name>{}", nested("<a>", "</a>"));
    let json = format!("{{\"id\":{}}}", nested("[", "]"));
    for body in [xml, json, nested("<Error>", "</Error>"), nested("{\"message\":", "}")] {
        for status in [200, 403] {
            let service = ScriptedService::start(vec![Reply::new(status, &[], &body); 2]).await;
            service.batch().get_job("j").await.unwrap_err();
            container_at(&service.endpoint).list("").await.unwrap_err();
        }
    }
}
