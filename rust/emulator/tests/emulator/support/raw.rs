//! Raw requests, including those that no HTTP library would send.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ACCOUNT;
use super::client::{now, sign};

/// The longest wait for a response.
const PATIENCE: Duration = Duration::from_secs(10);

/// A response without its headers.
#[derive(Debug)]
pub(crate) struct RawReply {
    pub(crate) status: u16,
    /// The body as JSON; null if it is not JSON.
    pub(crate) body: Value,
}

/// Sends a request without a body, signed for its path and query as they are.
pub(crate) async fn send_signed(endpoint: &str, verb: &str, path: &str, query: &str) -> RawReply {
    let date = now();
    let length = if verb == "GET" || verb == "HEAD" { "" } else { "content-length: 0\r\n" };
    let resource = canonical_query(query);
    let text = format!("{verb}{}ocp-date:{date}\n/{ACCOUNT}{path}{resource}", "\n".repeat(12));
    let head = format!(
        "{verb} {path}?{query} HTTP/1.1\r\nocp-date: {date}\r\n{length}\
         authorization: SharedKey {ACCOUNT}:{}\r\n",
        sign(&text)
    );
    send(endpoint, head.as_bytes()).await
}

/// Sends a request line and headers with this text, and the headers that every request needs.
pub(crate) async fn send(endpoint: &str, head: &[u8]) -> RawReply {
    let address = endpoint.trim_start_matches("http://");
    let request = [head, b"host: ", address.as_bytes(), b"\r\nconnection: close\r\n\r\n"].concat();
    let answer = timeout(PATIENCE, exchange(address, &request)).await;
    let answer = answer.unwrap_or_else(|_| panic!("no answer to {}", head.escape_ascii()));
    read(&answer)
}

async fn exchange(address: &str, request: &[u8]) -> Vec<u8> {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    answer
}

fn read(answer: &[u8]) -> RawReply {
    let text = String::from_utf8_lossy(answer);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    RawReply {
        status: status.unwrap_or_else(|| panic!("no status: {text}")),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

/// Returns the query in the string to sign; a query that is not UTF-8 is refused before its
/// signature is checked.
fn canonical_query(query: &str) -> String {
    let decode =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (decode(name), decode(value))).collect();
    pairs.sort_by_key(|(name, _)| name.to_lowercase());
    pairs.iter().map(|(name, value)| format!("\n{name}:{value}")).collect()
}
