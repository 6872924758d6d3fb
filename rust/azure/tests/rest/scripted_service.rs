//! A service that gives the answers queued for it, in their order, and remembers what it was
//! asked. Whatever comes after the last answer gets a 400 with the code `ScriptIsOver`.

use crate::http1::{Received, receive};
use azure::{RetryPolicy, SharedKey, batch::BatchClient};
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
#[derive(Clone)]
pub(crate) enum Reply {
    /// Answers with these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Sends these bytes and closes the connection, in the middle of an answer say.
    Break(Vec<u8>),
    /// Never answers.
    Silence,
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
    BatchClient::new(endpoint, key, azure::http_client().unwrap(), eager()).unwrap()
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
        }
    }
}
