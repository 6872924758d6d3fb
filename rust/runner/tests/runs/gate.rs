//! A proxy between one client and all services, which counts the requests that were answered and keeps
//! their bodies.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Ends with the test.
pub(crate) struct Gate {
    address: String,
    answered: watch::Receiver<usize>,
    sent: Sent,
}

/// Method and path of each request, and its body.
type Sent = Arc<Mutex<Vec<(String, Bytes)>>>;

#[derive(Clone)]
struct Counter {
    upstream: reqwest::Client,
    answered: watch::Sender<usize>,
    sent: Sent,
}

impl Gate {
    pub(crate) async fn start() -> Self {
        let (answered, seen) = watch::channel(0);
        let upstream = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = Sent::default();
        let counter = Counter { upstream, answered, sent: Arc::clone(&sent) };
        let router = Router::new().fallback(forward).with_state(counter);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, answered: seen, sent }
    }

    /// A client all of whose requests come through here.
    pub(crate) fn client(&self) -> runner::HttpClient {
        let proxy = reqwest::Proxy::http(&self.address).unwrap();
        runner::HttpClient::builder().proxy(proxy).build().unwrap()
    }

    pub(crate) fn count(&self) -> usize {
        *self.answered.borrow()
    }

    /// The body of the only request that was sent so.
    pub(crate) fn body(&self, method: &str, path_end: &str) -> serde_json::Value {
        let sent = self.sent.lock().unwrap();
        let mut found = sent.iter().filter(|(what, _)| {
            what.starts_with(&format!("{method} ")) && what.ends_with(path_end)
        });
        let (_, body) = found.next().unwrap();
        assert!(found.next().is_none());
        serde_json::from_slice(body).unwrap()
    }

    /// Waits until `k` requests were answered; false if no more come.
    pub(crate) async fn answered(&mut self, k: usize) -> bool {
        self.answered.wait_for(|count| *count >= k).await.is_ok()
    }
}

async fn forward(State(counter): State<Counter>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let what = format!("{} {}", parts.method, parts.uri.path());
    counter.sent.lock().unwrap().push((what, body.clone()));
    let answer = counter
        .upstream
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body)
        .send()
        .await;
    // Counted before the client sees it: whoever waits for it acts between two requests.
    counter.answered.send_modify(|count| *count += 1);
    match answer {
        Ok(answer) => to_response(answer).await,
        Err(_) => status(StatusCode::BAD_GATEWAY),
    }
}

async fn to_response(answer: reqwest::Response) -> Response {
    let mut response = status(answer.status());
    *response.headers_mut() = answer.headers().clone();
    response.headers_mut().remove("transfer-encoding");
    *response.body_mut() = Body::from(answer.bytes().await.unwrap());
    response
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}
