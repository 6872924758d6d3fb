//! Blob Storage in memory, for more blobs than Azurite can hold: the time that it takes for each grows with their number.
//! No signature is checked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex};

use reqwest::Url;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http1::{Received, receive};

/// Blobs of a page of a list.
const PAGE: usize = 5_000;

type Blobs = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub(crate) struct Store {
    pub(crate) endpoint: String,
    pub(crate) blobs: Blobs,
    server: JoinHandle<()>,
}

impl Store {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/acct", listener.local_addr().unwrap());
        let blobs = Blobs::default();
        let served = Arc::clone(&blobs);
        let server = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&served)));
            }
        });
        Self { endpoint, blobs, server }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(connection: TcpStream, blobs: Blobs) {
    let mut connection = BufReader::new(connection);
    while let Some(request) = receive(&mut connection).await {
        let (status, body) = answer(&request, &mut blobs.lock().unwrap());
        let code = if status == 404 { "x-ms-error-code: BlobNotFound\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status} X\r\nx-ms-request-id: b9f0e2a4-0000-4000-8000-000000000000\r\n\
             date: Sun, 22 Nov 2026 17:10:00 GMT\r\netag: \"0x1\"\r\n\
             last-modified: Sun, 22 Nov 2026 17:10:00 GMT\r\n{code}\
             x-ms-request-server-encrypted: true\r\nx-ms-delete-type-permanent: true\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        // A client that has gone needs no answer.
        let _ = connection.write_all(&[head.into_bytes(), body].concat()).await;
    }
}

/// A status and a body.
fn answer(request: &Received, blobs: &mut BTreeMap<String, Vec<u8>>) -> (u16, Vec<u8>) {
    let url = Url::parse("http://store/").unwrap().join(&request.target).unwrap();
    let path: Vec<_> = url.path().splitn(4, '/').collect();
    match (request.method.as_str(), path.get(3)) {
        ("GET", None) => (200, list(&url, blobs).into_bytes()),
        ("PUT", Some(blob)) => {
            blobs.insert((*blob).to_owned(), request.body.clone());
            (201, Vec::new())
        }
        ("GET", Some(blob)) => {
            blobs.get(*blob).map_or((404, Vec::new()), |content| {
                match request.headers.get("range").or(request.headers.get("x-ms-range")) {
                    Some(range) => part(range, content),
                    None => (200, content.clone()),
                }
            })
        }
        ("DELETE", Some(blob)) => (blobs.remove(*blob).map_or(404, |_| 202), Vec::new()),
        _ => (400, Vec::new()),
    }
}

fn part(range: &str, content: &[u8]) -> (u16, Vec<u8>) {
    let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    match content.get(first..content.len().min(last + 1)) {
        Some(part) if !part.is_empty() => (206, part.to_vec()),
        _ => (416, Vec::new()),
    }
}

/// The names are plain, so nothing is escaped.
fn list(url: &Url, blobs: &BTreeMap<String, Vec<u8>>) -> String {
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let (prefix, marker, delimiter) = (text("prefix"), text("marker"), text("delimiter"));
    let start = if marker.is_empty() { Unbounded } else { Excluded(marker) };
    let below = blobs.range::<str, _>((start, Unbounded));
    let below = below.filter(|(name, _)| name.starts_with(prefix));
    if !delimiter.is_empty() {
        let directories: BTreeSet<_> =
            below.map(|(name, _)| name.split_inclusive('/').next().unwrap()).collect();
        let directories = directories
            .into_iter()
            .map(|name| format!("<BlobPrefix><Name>{name}</Name></BlobPrefix>"));
        return results(&directories.collect::<String>(), "");
    }
    let page: Vec<_> = below.take(PAGE).collect();
    let next = page.last().filter(|_| page.len() == PAGE).map_or("", |(name, _)| name);
    let shown = page.iter().map(|(name, content)| {
        let properties = format!("<Content-Length>{}</Content-Length>", content.len());
        format!("<Blob><Name>{name}</Name><Properties>{properties}</Properties></Blob>")
    });
    results(&shown.collect::<String>(), next)
}

fn results(blobs: &str, next: &str) -> String {
    let next = format!("<NextMarker>{next}</NextMarker>");
    format!("<EnumerationResults><Blobs>{blobs}</Blobs>{next}</EnumerationResults>")
}
