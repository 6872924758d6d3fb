//! A service that gives the answers queued for it, in their order, and remembers what it was
//! asked. Whatever comes after the last answer gets a 400 with the code `ScriptIsOver`.

use crate::http1::{Received, receive};
use azure::{
    RetryPolicy, SharedKey,
    batch::{BatchClient, Throttle},
    blob::{BlobContainer, StorageAccount},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// "canary-account-key" in base64.
pub(crate) const KEY: &str = "Y2FuYXJ5LWFjY291bnQta2V5";

/// What the service does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers with these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Sends these bytes and closes the connection, in the middle of an answer say.
    Break(Vec<u8>),
    /// Never answers.
    Silence,
    /// Waits so long before each of these pieces.
    Paced(Duration, Vec<Vec<u8>>),
    /// Sends the first bytes, and then the second ones for as long as they are read.
    Endless(Vec<u8>, Vec<u8>),
}

impl Reply {
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let length = body.len().to_string();
        let mut all = vec![("content-length", length.as_str())];
        all.extend(headers);
        let lines: String =
            all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Self::Answer(format!("HTTP/1.1 {status} X\r\n{lines}\r\n{body}").into_bytes())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::new(status, &[], "")
    }

    pub(crate) fn ok(body: &str) -> Self {
        Self::new(200, &[], body)
    }

    /// The answer to a write of a blob.
    pub(crate) fn created() -> Self {
        let headers = [
            ("x-ms-request-id", "b9f0e2a4-0000-4000-8000-000000000000"),
            ("date", "Sun, 22 Nov 2026 17:10:00 GMT"),
            ("etag", "\"0x1\""),
            ("last-modified", "Sun, 22 Nov 2026 17:10:00 GMT"),
            ("x-ms-request-server-encrypted", "true"),
        ];
        Self::new(201, &headers, "")
    }

    /// The same, later.
    pub(crate) fn after(self, seconds: u64) -> Self {
        match self {
            Self::Answer(bytes) => Self::Paced(Duration::from_secs(seconds), vec![bytes]),
            other => other,
        }
    }

    /// An error as Batch words it.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = format!(
            r#"{{"code":"{code}","message":{{"lang":"en-US","value":"It failed.\nRequestId:r\nTime:t"}}}}"#
        );
        Self::new(status, &[("request-id", "r-42")], &body)
    }

    /// The answer to a HEAD: a length and no body.
    pub(crate) fn length(length: u64) -> Self {
        let answer = format!("HTTP/1.1 200 X\r\ncontent-length: {length}\r\n\r\n");
        Self::Answer(answer.into_bytes())
    }

    /// Takes the request and closes the connection without a word.
    pub(crate) fn hang_up() -> Self {
        Self::Break(Vec::new())
    }
}

/// Ends with the test.
pub(crate) struct ScriptedService {
    pub(crate) endpoint: String,
    script: Script,
    listener: JoinHandle<()>,
}

#[derive(Clone, Default)]
struct Script {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl ScriptedService {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let script = Script::default();
        script.replies.lock().unwrap().extend(replies);
        let listener = tokio::spawn(accept(listener, script.clone()));
        Self { endpoint, script, listener }
    }

    /// For answers that need to know the endpoint.
    pub(crate) fn queue(&self, reply: Reply) {
        self.script.replies.lock().unwrap().push_back(reply);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.script.received.lock().unwrap().clone()
    }

    /// Method and path of each request.
    pub(crate) fn calls(&self) -> Vec<String> {
        let path = |target: &str| target.split('?').next().unwrap().to_owned();
        self.received().iter().map(|r| format!("{} {}", r.method, path(&r.target))).collect()
    }

    pub(crate) fn batch(&self) -> BatchClient {
        batch_at(&self.endpoint)
    }
}

impl Drop for ScriptedService {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Retries at once, so that no test waits.
pub(crate) fn eager() -> RetryPolicy {
    RetryPolicy { attempts: 4, base: Duration::from_millis(1), max: Duration::from_millis(4) }
}

pub(crate) fn batch_at(endpoint: &str) -> BatchClient {
    let key = SharedKey::new("acct", KEY).unwrap();
    let http = azure::http_client().unwrap();
    BatchClient::new(endpoint, key, http, eager(), Throttle::default()).unwrap()
}

pub(crate) fn container_at(endpoint: &str) -> BlobContainer {
    let account = StorageAccount::from_parts(endpoint, "acct", KEY).unwrap();
    BlobContainer::new(account, "data", azure::http_client().unwrap(), eager()).unwrap()
}

/// An endpoint at which nobody listens.
pub(crate) async fn closed_endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn accept(listener: TcpListener, script: Script) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(serve(connection, script.clone()));
    }
}

/// Serves one connection until the client or the script closes it.
async fn serve(connection: TcpStream, script: Script) {
    let mut connection = BufReader::new(connection);
    while let Some(request) = receive(&mut connection).await {
        script.received.lock().unwrap().push(request);
        let reply = script.replies.lock().unwrap().pop_front();
        match reply.unwrap_or_else(|| Reply::error(400, "ScriptIsOver")) {
            Reply::Answer(bytes) => connection.write_all(&bytes).await.unwrap(),
            Reply::Break(bytes) => return connection.write_all(&bytes).await.unwrap(),
            Reply::Silence => return std::future::pending().await,
            Reply::Paced(pause, pieces) => pace(&mut connection, pause, &pieces).await,
            Reply::Endless(first, then) => return repeat(&mut connection, &first, &then).await,
        }
    }
}

/// The client may be gone before the last piece.
async fn pace(connection: &mut BufReader<TcpStream>, pause: Duration, pieces: &[Vec<u8>]) {
    for piece in pieces {
        tokio::time::sleep(pause).await;
        if connection.write_all(piece).await.is_err() {
            return;
        }
    }
}

/// Up to 100,000 times, so that a client which reads all of it comes to an end too.
async fn repeat(connection: &mut BufReader<TcpStream>, first: &[u8], then: &[u8]) {
    let mut open = connection.write_all(first).await.is_ok();
    for _ in 0..100_000 {
        open = open && connection.write_all(then).await.is_ok();
    }
}
