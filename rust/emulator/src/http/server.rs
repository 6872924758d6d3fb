//! The server: connections, from their beginning to their end.

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

use super::answer::Dropped;
use super::{Front, router};

/// The bytes of a request's line and headers that are read at most.
const HEAD: usize = 65_536;
/// How long answers that are under way may take once the emulator ends.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long the server waits when this machine has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(50);

/// What all connections share.
#[derive(Clone)]
struct Server {
    router: TowerToHyperService<Router>,
    client_timeout: Duration,
    closing: CancellationToken,
}

/// Why a connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed by a fault that was asked for")]
struct Closed;

/// Serves until the emulator ends, and then the answers that are under way, for a while.
pub(crate) async fn serve(listener: TcpListener, front: Arc<Front>) {
    let server = Server {
        client_timeout: front.client_timeout,
        closing: front.closing.clone(),
        router: TowerToHyperService::new(router(front)),
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(server.clone().talk(stream))),
                Err(_) => sleep(NO_ROOM).await,
            },
            Some(_) = connections.join_next() => {}
            () = server.closing.cancelled() => break,
        }
    }
    drop(listener);
    let last = async { while connections.join_next().await.is_some() {} };
    // A client that reads its last answer slowly is left alone after a while.
    timeout(LAST_ANSWERS, last).await.ok();
}

impl Server {
    /// Serves one connection. How it ends is the client's affair.
    async fn talk(self, stream: TcpStream) {
        stream.set_nodelay(true).ok();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.client_timeout)
            .max_header_size(HEAD)
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
