//! A proxy between one client and all services, which counts the requests that were answered.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Ends with the test.
pub(crate) struct Gate {
    address: String,
    answered: watch::Receiver<usize>,
}

#[derive(Clone)]
struct Counter {
    upstream: reqwest::Client,
    answered: watch::Sender<usize>,
}

impl Gate {
    pub(crate) async fn start() -> Self {
        let (answered, seen) = watch::channel(0);
        let upstream = reqwest::Client::builder().no_proxy().build().unwrap();
        let router = Router::new().fallback(forward).with_state(Counter { upstream, answered });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, answered: seen }
    }

    /// A client all of whose requests come through here.
    pub(crate) fn client(&self) -> runner::HttpClient {
        let proxy = reqwest::Proxy::http(&self.address).unwrap();
        runner::HttpClient::builder().proxy(proxy).build().unwrap()
    }

    pub(crate) fn count(&self) -> usize {
        *self.answered.borrow()
    }

    /// Waits until `k` requests were answered; false if no more come.
    pub(crate) async fn answered(&mut self, k: usize) -> bool {
        self.answered.wait_for(|count| *count >= k).await.is_ok()
    }
}

async fn forward(State(counter): State<Counter>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
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
