//! Batch and Blob Storage in one, which mostly answer well and sometimes with anything.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::http1::{Received, receive};

/// How one request is answered.
#[derive(Clone, Debug)]
pub(super) enum Word {
    /// As it should be.
    Good,
    /// With this status and body.
    Odd(u16, String),
    /// With this text, over and over, after this start of an answer; then the connection is closed.
    Raw(Vec<u8>, &'static str, usize),
}

pub(super) fn word() -> impl Strategy<Value = Word> {
    let statuses = [200, 201, 202, 204, 206, 304, 400, 403, 404, 409, 412, 416, 429, 500, 503];
    let codes = [
        "JobExists",
        "JobCompleted",
        "JobBeingDeleted",
        "TaskExists",
        "PoolNotFound",
        "NodeNotReady",
        "ActiveJobAndScheduleQuotaReached",
        "ContainerNotFound",
        "BlobNotFound",
        "IOError",
    ];
    let code = prop::sample::select(codes.to_vec());
    let body = prop_oneof![
        code.prop_map(|code| format!(r#"{{"code":"{code}","message":{{"value":"m"}}}}"#)),
        (1..60_000_usize).prop_map(|depth| "[".repeat(depth)),
        (1..60_000_usize).prop_map(|depth| "<a>".repeat(depth)),
        (1..20_000_usize).prop_map(|n| {
            let attributes: String = (0..n).map(|n| format!(" a{n}=\"\"")).collect();
            format!("<EnumerationResults{attributes}><Blobs/></EnumerationResults>")
        }),
        "\\PC{0,100}",
    ];
    let lengthy =
        prop::sample::select(vec!["a: b\r\n", "\r\n[[", "\r\n<a>", "\r\nx", "\r\n{\"value\":["]);
    prop_oneof![
        50 => Just(Word::Good),
        2 => (prop::sample::select(statuses.to_vec()), body)
            .prop_map(|(status, body)| Word::Odd(status, body)),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Word::Raw(bytes, "", 0)),
        1 => (lengthy, 1..5_000_000_usize)
            .prop_map(|(text, count)| Word::Raw(b"HTTP/1.1 200 X\r\n".to_vec(), text, count)),
    ]
}

/// Ends with the case.
pub(super) struct Service {
    pub(super) endpoint: String,
    received: Arc<Mutex<Vec<u8>>>,
    listener: JoinHandle<()>,
}

impl Service {
    /// The words are used in turn, over and over.
    pub(super) async fn start(words: Vec<Word>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::default();
        let words = Arc::new(Mutex::new(VecDeque::from(words)));
        let log = Arc::clone(&received);
        let listener = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                connections.spawn(serve(connection, Arc::clone(&words), Arc::clone(&log)));
            }
        });
        Self { endpoint, received, listener }
    }

    /// All bodies.
    pub(super) fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

type Words = Arc<Mutex<VecDeque<Word>>>;

async fn serve(connection: TcpStream, words: Words, log: Arc<Mutex<Vec<u8>>>) -> Option<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let request = receive(&mut connection).await?;
        log.lock().unwrap().extend(&request.body);
        let word = {
            let mut words = words.lock().unwrap();
            words.rotate_left(1);
            words.back().cloned().unwrap()
        };
        let bytes = match word {
            Word::Good => good(&request),
            Word::Odd(status, body) => answer(status, &body),
            Word::Raw(start, text, count) => {
                connection.write_all(&start).await.ok()?;
                let piece = text.repeat(1_000);
                for _ in 0..count / 1_000 {
                    connection.write_all(piece.as_bytes()).await.ok()?;
                }
                return None;
            }
        };
        connection.write_all(&bytes).await.ok()?;
    }
}

fn answer(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nx-ms-request-id: b9f0e2a4-0000-4000-8000-000000000000\r\n\
         date: Sun, 22 Nov 2026 17:10:00 GMT\r\nlast-modified: Sun, 22 Nov 2026 17:10:00 GMT\r\n\
         etag: \"0x1\"\r\nx-ms-request-server-encrypted: true\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What a service says that does its work, and whose blobs have names that lead out.
fn good(request: &Received) -> Vec<u8> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (request.method.as_str(), &parts[..]) {
        ("GET", ["pools", id]) => {
            answer(200, &format!(r#"{{"id":"{id}","state":"active","currentDedicatedNodes":1}}"#))
        }
        ("GET", ["jobs"]) => answer(200, r#"{"value":[]}"#),
        ("GET", ["jobs", id]) => answer(200, &format!(r#"{{"id":"{id}","state":"completed"}}"#)),
        ("GET", ["jobs", _, "tasks", id]) => {
            let info = r#"{"exitCode":0,"retryCount":0,"requeueCount":0,"result":"success"}"#;
            answer(200, &format!(r#"{{"id":"{id}","state":"completed","executionInfo":{info}}}"#))
        }
        ("GET", _) if query.contains("comp=list") => answer(200, &blobs(query)),
        ("GET", ["acct", ..]) => answer(206, "x"),
        ("GET" | "HEAD", [.., "files", _]) => answer(404, r#"{"code":"FileNotFound"}"#),
        ("POST", [.., "terminate"]) => answer(202, ""),
        ("POST", _) | ("PUT", ["acct", ..]) => answer(201, ""),
        ("DELETE", _) => answer(202, ""),
        _ => answer(200, ""),
    }
}

fn blobs(query: &str) -> String {
    let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).unwrap_or("");
    let prefix = prefix.replace("%2F", "/");
    let names = ["out/x", "out/../../y", "../secret", "/etc/x", "a/b", "d/e/f", "%2e%2e/z", "c"];
    let blobs = names.map(|name| {
        format!(
            "<Blob><Name>{prefix}/{name}</Name><Properties><Content-Length>1</Content-Length></Properties></Blob>"
        )
    });
    format!(
        "<EnumerationResults><Blobs>{}</Blobs><NextMarker/></EnumerationResults>",
        blobs.concat()
    )
}
