//! Blob Storage that is busy, broken, refusing or away, and lists that Azurite cannot make.

use crate::files::{get_file, put_file};
use crate::scripted_service::{Reply, ScriptedService, closed_endpoint, container_at};
use azure::{
    ErrorKind,
    blob::{BlobItem, Source},
};
use bytes::Bytes;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Headers of every answer of the service.
const HEADERS: [(&str, &str); 3] = [
    ("x-ms-request-id", "b9f0e2a4-0000-4000-8000-000000000000"),
    ("date", "Sun, 22 Nov 2026 17:10:00 GMT"),
    ("content-type", "application/xml"),
];

fn error(status: u16, code: &str) -> Reply {
    let body =
        format!("<Error><Code>{code}</Code><Message>It failed.\nRequestId:x</Message></Error>");
    Reply::new(status, &HEADERS, &body)
}

/// A page as the service writes it, with one blob.
fn page(name: &str, extra: &str, metadata: &str, next: &str) -> Reply {
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\
        <EnumerationResults ServiceEndpoint=\"https://h/\" ContainerName=\"data\"><Blobs><Blob>\
        {name}<Properties>\
        <Creation-Time>Sun, 22 Nov 2026 17:10:00 GMT</Creation-Time>\
        <Last-Modified>Sun, 22 Nov 2026 17:10:00 GMT</Last-Modified><Etag>0x1</Etag>{extra}\
        <Content-Length>7</Content-Length><Content-Type>text/plain</Content-Type>\
        <Content-Encoding /><BlobType>BlockBlob</BlobType><AccessTier>Smart</AccessTier>\
        <LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>\
        <ServerEncrypted>true</ServerEncrypted><NewProperty>1</NewProperty></Properties>{metadata}\
        <OrMetadata /></Blob></Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
    );
    Reply::new(200, &HEADERS, &body)
}

#[tokio::test]
async fn every_page_of_a_list_is_read_and_a_busy_service_does_not_end_it() {
    let service = ScriptedService::start([
        page("<Name>in/a.txt</Name>", "", "<Metadata />", "2!next+page/="),
        Reply::status(503),
        Reply::hang_up(),
        page("<Name> in/b &amp; c.txt</Name>", "", "", "3"),
        page("<Name Encoded=\"true\">in/%EF%BF%BF</Name>", "", "", ""),
    ])
    .await;
    let container = container_at(&service.endpoint);
    let blobs = container.list("in/").await.unwrap();
    let names: Vec<_> = blobs.iter().map(|blob| blob.name.as_str()).collect();
    assert_eq!(container.requests(), (5, 2));
    assert_eq!(names, ["in/a.txt", " in/b & c.txt", "in/\u{ffff}"]);
    let received = service.received();
    assert!(received[0].target.contains("prefix=in%2F"), "{}", received[0].target);
    assert!(received[1].target.contains("marker=2%21next%2Bpage%2F%3D"), "{}", received[1].target);
    assert!(received[3].target.contains("marker=2%21"), "{}", received[3].target);
}

#[tokio::test]
async fn blobs_that_stand_for_directories_are_marked() {
    let folder = "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>";
    let service = ScriptedService::start([
        page("<Name>in</Name>", "", folder, "1"),
        page("<Name>in</Name>", "<ResourceType>directory</ResourceType>", "<Metadata />", "2"),
        page("<Name>in/</Name>", "", "", "3"),
        page(
            "<Name>in/a</Name>",
            "<ResourceType>file</ResourceType>",
            "<Metadata><k>v</k></Metadata>",
            "",
        ),
    ])
    .await;
    let blobs = container_at(&service.endpoint).list("in").await.unwrap();
    let markers: Vec<_> = blobs.iter().map(|blob| blob.is_directory_marker).collect();
    assert_eq!(markers, [true, true, true, false]);
    assert_eq!(
        blobs[3],
        BlobItem { name: "in/a".into(), size: 7, is_directory_marker: false, md5: None }
    );
}

#[tokio::test]
async fn a_busy_service_is_asked_again_with_the_whole_body() {
    let busy = Reply::new(429, &[("retry-after", "0")], "");
    let service = ScriptedService::start([busy, Reply::hang_up(), Reply::created()]).await;
    let container = container_at(&service.endpoint);
    container.put_bytes("a b.txt", Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(service.calls(), ["PUT /data/a%20b.txt"; 3]);
    assert!(service.received().iter().all(|request| request.body == b"hello"));
}

#[tokio::test]
async fn blocks_can_be_put_together_again_after_a_lost_reply() {
    let service = ScriptedService::start([
        Reply::created(),
        Reply::created(),
        Reply::hang_up(),
        Reply::created(),
    ])
    .await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large");
    std::fs::File::create(&path).unwrap().set_len((4 << 20) + 1).unwrap();
    let container = container_at(&service.endpoint);
    // Spawned, as the runner does: the futures of this crate must be able to move.
    let put = tokio::spawn(async move { put_file(&container, "large", &path).await });
    put.await.unwrap().unwrap();
    for list in &service.received()[2..] {
        assert!(list.target.contains("comp=blocklist"), "{}", list.target);
        let body = String::from_utf8_lossy(&list.body);
        assert_eq!(
            body.matches("<Latest>").count(),
            2,
            "not found once they are committed: {body}"
        );
    }
}

#[tokio::test]
async fn a_read_that_breaks_off_is_begun_again_and_a_whole_is_not_taken_for_a_part() {
    let half = Reply::Break(b"HTTP/1.1 206 X\r\ncontent-length: 3\r\n\r\n3".to_vec());
    let service =
        ScriptedService::start([half, Reply::new(206, &[], "345"), Reply::ok("012345")]).await;
    let container = container_at(&service.endpoint);
    assert_eq!(container.get_range("a", 3, 3).await.unwrap().unwrap(), "345");
    let error = container.get_range("a", 3, 3).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(service.received().iter().all(|request| request.headers["range"] == "bytes=3-5"));
}

#[tokio::test]
async fn a_download_is_of_one_version_of_the_blob() {
    let first = "x".repeat(16 << 20);
    let service = ScriptedService::start([
        Reply::new(206, &[("etag", "\"0x1\"")], &first),
        error(412, "ConditionNotMet"),
    ])
    .await;
    let directory = tempfile::tempdir().unwrap();
    let container = container_at(&service.endpoint);
    let path = directory.path().join("a");
    let error = get_file(&container, "a", 17 << 20, &path).await.unwrap_err();
    assert_eq!(error.code(), Some("ConditionNotMet"));
    assert_eq!(service.received()[1].headers["if-match"], "\"0x1\"");
}

/// The first connection breaks in the middle of a body, the second before one.
#[tokio::test]
async fn a_connection_that_breaks_costs_only_what_it_has_not_brought() {
    let half =
        Reply::Break(b"HTTP/1.1 206 X\r\netag: \"0x1\"\r\ncontent-length: 7\r\n\r\n0123".to_vec());
    let service =
        ScriptedService::start([half, Reply::hang_up(), Reply::new(206, &[], "456")]).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    get_file(&container_at(&service.endpoint), "a", 7, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"0123456");
    let asked = service.received().into_iter().map(|request| request.headers);
    let asked: Vec<_> = asked.map(|h| (h["range"].clone(), h.get("if-match").cloned())).collect();
    let (rest, version) = ("bytes=4-7".to_owned(), Some("\"0x1\"".to_owned()));
    let rest = (rest, version);
    assert_eq!(asked, [("bytes=0-7".to_owned(), None), rest.clone(), rest]);
}

#[tokio::test]
async fn the_ranges_of_a_blob_come_at_once_and_each_goes_to_its_place() {
    let range = |byte: &str, length| Reply::new(206, &[("etag", "\"0x1\"")], &byte.repeat(length));
    let Reply::Answer(first) = range("0", 16 << 20) else { unreachable!() };
    let (head, rest) = first.split_at(1 << 20);
    // The first range is still on its way when the others are there.
    let slow = Reply::Paced(Duration::from_millis(300), vec![head.to_vec(), rest.to_vec()]);
    let service = ScriptedService::start([slow, range("1", 16 << 20), range("1", 16 << 20)]).await;
    let (told, ends) =
        (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(vec![0_u8; 48 << 20])));
    let (tell, content) = (Arc::clone(&told), Arc::clone(&ends));
    let write = Arc::new(move |position: u64, bytes: &[u8]| {
        let position = position as usize;
        tell.lock().unwrap().push(position);
        content.lock().unwrap()[position..position + bytes.len()].copy_from_slice(bytes);
        Ok(())
    });
    container_at(&service.endpoint).get_file("a", 48 << 20, write).await.unwrap();
    let content = ends.lock().unwrap();
    assert!(content[..16 << 20].iter().all(|byte| *byte == b'0'));
    assert!(content[16 << 20..].iter().all(|byte| *byte == b'1'));
    assert!(
        *told.lock().unwrap().last().unwrap() < 16 << 20,
        "the first range was the last to come"
    );
}

#[tokio::test]
async fn nothing_is_written_once_a_download_is_given_up() {
    let piece = vec![b'x'; 1 << 20];
    let head = b"HTTP/1.1 206 X\r\ncontent-length: 9999999\r\n\r\n".to_vec();
    let pieces = std::iter::once(head).chain(std::iter::repeat_n(piece, 9)).collect();
    let service = ScriptedService::start([Reply::Paced(Duration::from_millis(50), pieces)]).await;
    let (first, mut written) = tokio::sync::mpsc::unbounded_channel();
    let write = Arc::new(move |_, _: &[u8]| first.send(()).map_err(std::io::Error::other));
    let container = container_at(&service.endpoint);
    tokio::select! {
        _ = container.get_file("a", 9_999_999, write) => unreachable!(),
        _ = written.recv() => {}
    }
    // The channel closes with the last that could write.
    while tokio::time::timeout(Duration::from_millis(50), written.recv()).await.unwrap().is_some() {
    }
}

/// Two attempts at a block read it twice, and it counts once.
#[tokio::test]
async fn a_block_that_is_sent_again_is_read_again_and_counts_once() {
    struct Counted(AtomicU64, AtomicU64);
    impl Source for Counted {
        fn read(&self, _start: u64, size: u64) -> std::io::Result<Vec<u8>> {
            self.0.fetch_add(size, Relaxed);
            Ok(vec![7; size as usize])
        }
        fn sent(&self, bytes: u64) {
            self.1.fetch_add(bytes, Relaxed);
        }
    }
    let size = (4 << 20) + 1;
    let service = ScriptedService::start([
        Reply::status(503),
        Reply::created(),
        Reply::created(),
        Reply::created(),
    ])
    .await;
    let source = Arc::new(Counted(AtomicU64::new(0), AtomicU64::new(0)));
    let put = container_at(&service.endpoint).put_file("large", size, source.clone()).await;
    put.unwrap();
    let received = service.received();
    assert!(received[3].target.contains("comp=blocklist"), "{}", received[3].target);
    let read: usize = received[..3].iter().map(|request| request.body.len()).sum();
    assert_eq!(source.0.load(Relaxed), read as u64);
    assert_eq!(source.1.load(Relaxed), size);
}

#[tokio::test]
async fn a_file_that_becomes_shorter_while_it_is_sent_makes_no_blob() {
    let service = ScriptedService::start(vec![Reply::created(); 9]).await;
    let shorter = Arc::new(|start, size: u64| {
        let is_there = start < 1 << 20;
        is_there.then(|| vec![7; size as usize]).ok_or_else(|| std::io::Error::other("shorter"))
    });
    let container = container_at(&service.endpoint);
    let error = container.put_file("large", 9 << 20, shorter).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Local, false), "{error}");
    assert!(error.to_string().contains("the file cannot be read: shorter"), "{error}");
    assert!(!service.received().iter().any(|request| request.target.contains("comp=blocklist")));
}

#[tokio::test]
async fn a_refusal_is_final_and_says_code_and_request_id() {
    let service = ScriptedService::start([error(403, "AuthenticationFailed")]).await;
    let error = container_at(&service.endpoint).directories("").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot list the blobs in container 'data' at {}: 403 AuthenticationFailed: It failed. \
             [request id b9f0e2a4-0000-4000-8000-000000000000]",
            service.endpoint
        )
    );
    assert_eq!(service.calls().len(), 1);
}

#[tokio::test]
async fn a_blob_that_is_gone_is_as_good_as_deleted_and_a_container_is_not() {
    let service =
        ScriptedService::start([error(404, "BlobNotFound"), error(404, "ContainerNotFound")]).await;
    let container = container_at(&service.endpoint);
    container.delete("a").await.unwrap();
    assert_eq!(container.delete("a").await.unwrap_err().code(), Some("ContainerNotFound"));
}

/// An answer to a batch, as the service writes it.
fn batch(statuses: &[&str]) -> Reply {
    let parts = statuses.iter().enumerate().map(|(number, status)| {
        let kind = "Content-Type: application/http";
        format!("--batchresponse_1\r\n{kind}\r\nContent-ID: {number}\r\n\r\nHTTP/1.1 {status}\r\nx-ms-version: 1\r\n\r\n")
    });
    let body = parts.chain(["--batchresponse_1--".to_owned()]).collect::<String>();
    Reply::new(202, &[("content-type", "multipart/mixed; boundary=batchresponse_1")], &body)
}

fn deleted() -> Reply {
    let headers = [("x-ms-delete-type-permanent", "true")];
    Reply::new(202, &[&HEADERS[..], &headers].concat(), "")
}

fn forty_names() -> Vec<String> {
    (0..40).map(|number| format!("blob {number}")).collect()
}

#[tokio::test]
async fn forty_blobs_are_deleted_in_one_request_that_is_made_again() {
    let service = ScriptedService::start([Reply::status(503), batch(&["202 Accepted"; 40])]).await;
    container_at(&service.endpoint).delete_all(&forty_names()).await.unwrap();
    assert_eq!(service.calls(), ["POST /data"; 2]);
    let request = &service.received()[1];
    assert!(request.target.contains("restype=container&comp=batch"), "{}", request.target);
    assert_eq!(request.headers["content-type"], "multipart/mixed; boundary=batch_of_deletions");
    let body = String::from_utf8_lossy(&request.body);
    assert!(body.contains("\r\nDELETE /data/blob%2039?sv="), "{body}");
}

#[tokio::test]
async fn where_batches_are_refused_blobs_are_deleted_one_by_one_and_no_other_batch_is_tried() {
    let refused = error(400, "UnsupportedOperation");
    let deleted = vec![deleted(); 80];
    let service = ScriptedService::start(std::iter::once(refused).chain(deleted)).await;
    let container = container_at(&service.endpoint);
    container.delete_all(&forty_names()).await.unwrap();
    container.delete_all(&forty_names()).await.unwrap();
    let calls = service.calls();
    assert_eq!(calls.iter().filter(|call| *call == "POST /data").count(), 1);
    assert_eq!(calls.iter().filter(|call| *call == "DELETE /data/blob%2039").count(), 2);
}

#[tokio::test]
async fn a_blob_that_a_batch_does_not_delete_is_tried_alone_and_named() {
    let mut statuses = ["202 Accepted"; 40];
    (statuses[7], statuses[8]) = ("503 Busy", "403 Forbidden");
    let service = ScriptedService::start([batch(&statuses)]).await;
    service.queue(deleted());
    service.queue(error(403, "LeaseLost"));
    let error = container_at(&service.endpoint).delete_all(&forty_names()).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot delete blob 'blob "), "{error}");
    assert_eq!(error.code(), Some("LeaseLost"));
    let mut calls = service.calls();
    calls.sort();
    assert_eq!(calls, ["DELETE /data/blob%207", "DELETE /data/blob%208", "POST /data"]);
}

#[tokio::test]
async fn an_endpoint_that_is_away_is_named() {
    let endpoint = closed_endpoint().await;
    let error = container_at(&endpoint).directories("").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let expected = format!("cannot list the blobs in container 'data' at {endpoint}: ");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

/// The clock is paused: it jumps ahead to the deadline as soon as there is nothing left to do.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_is_named() {
    let service = ScriptedService::start(vec![Reply::Silence; 3]).await;
    let error = container_at(&service.endpoint).directories("").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains(&service.endpoint), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_first_answer_may_take_its_time_every_time() {
    let page = page("<Name>in/a.txt</Name>", "", "", "");
    let service = ScriptedService::start(vec![page.after(29); 3]).await;
    container_at(&service.endpoint).directories("").await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_an_error_and_nothing_is_sent() {
    let service = ScriptedService::start([]).await;
    let container = container_at(&service.endpoint);
    let unreadable = Arc::new(|_, _| Err(std::io::Error::other("no such disk")));
    let error = container.put_file("a", 1, unreadable).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    assert!(error.to_string().contains("the file cannot be read: no such disk"), "{error}");
    assert!(service.calls().is_empty());
}

#[tokio::test]
async fn a_disk_that_is_full_is_told() {
    let service = ScriptedService::start([Reply::new(206, &HEADERS, "content")]).await;
    let full = Arc::new(|_, _: &[u8]| Err(std::io::ErrorKind::StorageFull.into()));
    let error = container_at(&service.endpoint).get_file("a", 7, full).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    assert!(error.to_string().contains("the file cannot be written: no storage space"), "{error}");
}
