//! The server: accepts connections and serves them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::AppState;
use super::answer::Dropped;

/// The most bytes of a request's line and headers.
const MAX_HEADERS: usize = 65_536;
/// How long responses in progress may take once the emulator stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server waits when this machine cannot accept another connection.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// What all connections share.
#[derive(Clone)]
struct Server {
    router: TowerToHyperService<Router>,
    client_timeout: Duration,
    closing: CancellationToken,
}

/// Closes a connection instead of responding.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed by an injected fault")]
struct Closed;

/// Serves until the emulator stops, then completes the responses in progress.
pub(crate) async fn serve(listener: TcpListener, router: Router, state: Arc<AppState>) {
    let server = Server {
        client_timeout: state.client_timeout,
        closing: state.closing.clone(),
        router: TowerToHyperService::new(router),
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(server.clone().serve_connection(stream))),
                Err(_) => sleep(ACCEPT_RETRY_DELAY).await,
            },
            Some(_) = connections.join_next() => {}
            () = server.closing.cancelled() => break,
        }
    }
    drop(listener);
    let last = async { while connections.join_next().await.is_some() {} };
    // Slow clients are disconnected after a while.
    timeout(SHUTDOWN_TIMEOUT, last).await.ok();
}

impl Server {
    /// Serves one connection. Errors of the connection concern only the client.
    async fn serve_connection(self, stream: TcpStream) {
        stream.set_nodelay(true).ok();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.client_timeout)
            .max_header_size(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), service_fn(|request| self.answer(request)));
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.closing.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        connection.await.ok();
    }

    async fn answer(&self, request: hyper::Request<Incoming>) -> Result<Response, Closed> {
        let Ok(response) = self.router.call(request).await;
        match response.extensions().get::<Dropped>() {
            Some(Dropped) => Err(Closed),
            None => Ok(response),
        }
    }
}
