//! A minimal blob server: list, get and put, also in blocks, with a SAS whose permissions are checked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The blobs per page of a listing: few, so that every test with three blobs needs a second page.
const PAGE: usize = 2;
/// The signature that is always accepted.
const SIGNATURE: &str = "c2ln";
/// "key of the account" in base64.
const KEY: &str = "a2V5IG9mIHRoZSBhY2NvdW50";

type Blobs = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;
type Parameters = Query<BTreeMap<String, String>>;

/// A storage account with the container `box`.
pub(crate) struct BlobServer {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    blobs: Blobs,
    headers: Headers,
    server: JoinHandle<()>,
}

/// The headers of the last upload.
type Headers = Arc<Mutex<HeaderMap>>;

impl BlobServer {
    pub(crate) async fn start() -> BlobServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (blobs, headers) = (Blobs::default(), Headers::default());
        let router = Router::new()
            .route("/acc/{container}", get(list))
            .route("/acc/{container}/{*blob}", get(read).put(write))
            .layer(DefaultBodyLimit::disable())
            .with_state((Arc::clone(&blobs), Arc::clone(&headers)));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        BlobServer { address, blobs, headers, server }
    }

    /// Returns the URL of a container with a SAS with these permissions.
    pub(crate) fn container(&self, name: &str, permissions: &str) -> String {
        format!("http://{}/acc/{name}?sp={permissions}&sig={SIGNATURE}", self.address)
    }

    /// Returns the account's connection string, with which the emulator creates a SAS.
    pub(crate) fn connection_string(&self) -> String {
        let endpoint = format!("http://{}/acc", self.address);
        format!("AccountName=acc;AccountKey={KEY};BlobEndpoint={endpoint};")
    }

    /// Returns the URL of a container without a SAS.
    pub(crate) fn plain(&self, name: &str) -> String {
        format!("http://{}/acc/{name}", self.address)
    }

    /// Returns a header of the last upload.
    pub(crate) fn header(&self, name: &str) -> String {
        let headers = self.headers.lock().unwrap();
        headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    }

    /// Returns the URL of a blob of `box` with a SAS that permits reading.
    pub(crate) fn blob(&self, name: &str) -> String {
        format!("http://{}/acc/box/{name}?sp=r&sig={SIGNATURE}", self.address)
    }

    pub(crate) fn put(&self, name: &str, content: &str) {
        self.blobs.lock().unwrap().insert(name.to_owned(), content.into());
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let blobs = self.blobs.lock().unwrap();
        blobs.get(name).map(|content| String::from_utf8(content.clone()).unwrap())
    }

    pub(crate) fn clear(&self) {
        self.blobs.lock().unwrap().clear();
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.blobs.lock().unwrap().keys().cloned().collect()
    }
}

impl Drop for BlobServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn refused(container: &str, query: &Parameters, permission: char) -> Option<Response> {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let right = [SIGNATURE, &signature(container, query)].contains(&text("sig"));
    let status = if !right || !text("sp").contains(permission) {
        StatusCode::FORBIDDEN
    } else if container != "box" {
        StatusCode::NOT_FOUND
    } else {
        return None;
    };
    Some(status.into_response())
}

/// Returns the signature of a service SAS for a container, with the expiry in the query.
/// [Create a service SAS](https://learn.microsoft.com/rest/api/storageservices/create-service-sas)
fn signature(container: &str, query: &Parameters) -> String {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let head = format!("{}\n\n{}\n/blob/acc/{container}", text("sp"), text("se"));
    let signed = format!("{head}\n\n\n\n{}\n{}\n\n\n\n\n\n\n", text("sv"), text("sr"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(KEY).unwrap()).unwrap();
    mac.update(signed.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn list(
    State((blobs, _)): State<(Blobs, Headers)>,
    Path(container): Path<String>,
    query: Parameters,
) -> Response {
    if let Some(refused) = refused(&container, &query, 'l') {
        return refused;
    }
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let (prefix, marker) = (text("prefix"), text("marker"));
    let blobs = blobs.lock().unwrap();
    let mut found: Vec<_> = blobs
        .iter()
        .filter(|(name, _)| name.starts_with(prefix) && name.as_str() >= marker)
        .collect();
    let next = found.get(PAGE).map_or("", |(name, _)| name.as_str()).to_owned();
    found.truncate(PAGE);
    let shown: String = found
        .iter()
        .map(|(name, content)| {
            let length = content.len();
            let properties =
                format!("<Properties><Content-Length>{length}</Content-Length></Properties>");
            format!("<Blob><Name>{name}</Name>{properties}</Blob>")
        })
        .collect();
    let next = format!("<NextMarker>{next}</NextMarker>");
    format!("<EnumerationResults><Blobs>{shown}</Blobs>{next}</EnumerationResults>").into_response()
}

async fn read(
    State((blobs, _)): State<(Blobs, Headers)>,
    Path((container, blob)): Path<(String, String)>,
    query: Parameters,
) -> Response {
    if let Some(refused) = refused(&container, &query, 'r') {
        return refused;
    }
    let blobs = blobs.lock().unwrap();
    blobs
        .get(&blob)
        .map_or(StatusCode::NOT_FOUND.into_response(), |found| found.clone().into_response())
}

async fn write(
    State((blobs, seen)): State<(Blobs, Headers)>,
    Path((container, blob)): Path<(String, String)>,
    query: Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refused) = refused(&container, &query, 'w') {
        return refused;
    }
    let mut blobs = blobs.lock().unwrap();
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let block = |id: &str| format!("block {id} of {blob}");
    match text("comp") {
        "block" => blobs.insert(block(text("blockid")), body.to_vec()),
        "blocklist" => {
            let list = String::from_utf8(body.to_vec()).unwrap();
            let ids = list.split("<Latest>").skip(1).map(|rest| rest.split('<').next().unwrap());
            let content = ids.flat_map(|id| blobs.remove(&block(id)).unwrap()).collect();
            blobs.insert(blob, content)
        }
        _ => blobs.insert(blob, body.to_vec()),
    };
    *seen.lock().unwrap() = headers;
    StatusCode::CREATED.into_response()
}
