//! Connections on which bytes are sent as they are.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Cloud;

/// A connection of its own, over which this was sent.
pub(crate) async fn connection(cloud: &Cloud, bytes: &[u8]) -> TcpStream {
    let endpoint = cloud.emulator.endpoint();
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).await.unwrap();
    // A server that has read enough closes before everything is sent.
    stream.write_all(bytes).await.ok();
    stream
}

/// All that comes back over a connection until it is closed.
pub(crate) async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection may be closed by a reset; what came before counts.
    stream.read_to_end(&mut bytes).await.ok();
    String::from_utf8(bytes).unwrap()
}
