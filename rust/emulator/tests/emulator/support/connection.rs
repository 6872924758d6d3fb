//! Raw connections, on which bytes are sent as they are.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Cloud;

/// Opens a connection and sends these bytes.
pub(crate) async fn connection(cloud: &Cloud, bytes: &[u8]) -> TcpStream {
    let endpoint = cloud.emulator.endpoint();
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).await.unwrap();
    // A server that has read enough may close the connection early.
    stream.write_all(bytes).await.ok();
    stream
}

/// Returns everything that is received until the connection is closed.
pub(crate) async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // The connection may be reset; what was received before counts.
    stream.read_to_end(&mut bytes).await.ok();
    String::from_utf8(bytes).unwrap()
}
