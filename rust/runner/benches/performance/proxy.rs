//! A longer way to a service: what comes in is handed on half a round trip later, in order, however much it is.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

const CHUNK: usize = 64 * 1024;
/// Chunks of one direction of a connection on their way at most: 1 GiB/s at 100 ms and more.
const ON_THE_WAY: usize = 2_048;

/// Ends with its owner.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    serving: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Proxy {
    pub(crate) async fn start(service: SocketAddr, round_trip: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, service, round_trip)).abort_handle();
        Self { address, serving }
    }
}

async fn serve(listener: TcpListener, service: SocketAddr, round_trip: Duration) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connect(client, service, round_trip));
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(client: TcpStream, service: SocketAddr, round_trip: Duration) {
    let Ok(service) = TcpStream::connect(service).await else { return };
    let _ = (client.set_nodelay(true), service.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_service, to_service) = service.into_split();
    // The client has been told at once that it is connected.
    sleep(round_trip).await;
    let delay = round_trip / 2;
    tokio::join!(carry(from_client, to_service, delay), carry(from_service, to_client, delay));
}

async fn carry(from: impl AsyncRead + Unpin, to: impl AsyncWrite + Unpin, delay: Duration) {
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    tokio::join!(take(from, sender, delay), deliver(receiver, to));
}

/// Until the end of the stream, or until nobody takes what comes.
async fn take(mut from: impl AsyncRead + Unpin, sender: Sender<(Instant, Bytes)>, delay: Duration) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(CHUNK);
        match from.read_buf(&mut buffer).await {
            Ok(length) if length > 0 => {}
            _ => return,
        }
        if sender.send((Instant::now() + delay, buffer.split().freeze())).await.is_err() {
            return;
        }
    }
}

/// Each part when it is due; the end of the stream after the last.
async fn deliver(mut receiver: Receiver<(Instant, Bytes)>, mut to: impl AsyncWrite + Unpin) {
    while let Some((due, bytes)) = receiver.recv().await {
        sleep_until(due).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
