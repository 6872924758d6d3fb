//! Blob Storage in memory, for more blobs than Azurite can hold: the time that it takes for each grows with their number.
//! One account, one container, as many of the operations as are needed. No signature is checked.

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
        let body = if request.method == "HEAD" { Vec::new() } else { body };
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
            put(&url, blob, &request.body, blobs);
            (201, Vec::new())
        }
        ("GET" | "HEAD", Some(blob)) => blobs.get(*blob).map_or((404, Vec::new()), |content| {
            match request.headers.get("range").or(request.headers.get("x-ms-range")) {
                Some(range) => part(range, content),
                None => (200, content.clone()),
            }
        }),
        ("DELETE", Some(blob)) => (blobs.remove(*blob).map_or(404, |_| 202), Vec::new()),
        ("POST", None) => (202, delete_all(&request.body, blobs).into_bytes()),
        _ => (400, Vec::new()),
    }
}

/// A blob, one of its blocks, or the list of them. A block waits beside the blobs.
fn put(url: &Url, blob: &str, body: &[u8], blobs: &mut BTreeMap<String, Vec<u8>>) {
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    let (name, content) = match query.get("comp").map(String::as_str) {
        Some("block") => (format!("{blob}?{}", query["blockid"]), body.to_vec()),
        Some("blocklist") => {
            let list = String::from_utf8_lossy(body);
            let ids = list.split("<Latest>").skip(1).filter_map(|rest| rest.split('<').next());
            let blocks = ids.filter_map(|id| blobs.remove(&format!("{blob}?{id}")));
            (blob.to_owned(), blocks.flatten().collect())
        }
        _ => (blob.to_owned(), body.to_vec()),
    };
    blobs.insert(name, content);
}

/// The answer to a batch of deletions.
fn delete_all(batch: &[u8], blobs: &mut BTreeMap<String, Vec<u8>>) -> String {
    let batch = String::from_utf8_lossy(batch);
    let paths = batch.lines().filter_map(|line| line.strip_prefix("DELETE ")?.split('?').next());
    let answer = |(number, path): (usize, &str)| {
        let deleted = path.splitn(4, '/').nth(3).and_then(|blob| blobs.remove(blob));
        let status = deleted.map_or("404 X\r\nx-ms-error-code: BlobNotFound", |_| "202 Accepted");
        format!(
            "--batch\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n\
             HTTP/1.1 {status}\r\n\r\n\r\n"
        )
    };
    let answers: String = paths.enumerate().map(answer).collect();
    format!("{answers}--batch--\r\n")
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
