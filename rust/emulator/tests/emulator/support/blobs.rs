//! A blob server that does just enough: list, get and put with a SAS that says what it allows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The blobs of a page of a listing: few, so that every test with three blobs needs a second.
const PAGE: usize = 2;
/// The only signature that is right.
const SIGNATURE: &str = "c2ln";

type Blobs = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;
type Parameters = Query<BTreeMap<String, String>>;

/// A storage account with the container `box`.
pub(crate) struct BlobServer {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    blobs: Blobs,
    server: JoinHandle<()>,
}

impl BlobServer {
    pub(crate) async fn start() -> BlobServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let blobs = Blobs::default();
        let router = Router::new()
            .route("/acc/{container}", get(list))
            .route("/acc/{container}/{*blob}", get(read).put(write))
            .with_state(Arc::clone(&blobs));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        BlobServer { address, blobs, server }
    }

    /// The URL of a container with a SAS that permits these letters.
    pub(crate) fn container(&self, name: &str, permissions: &str) -> String {
        format!("http://{}/acc/{name}?sp={permissions}&sig={SIGNATURE}", self.address)
    }

    /// The URL of a blob of `box` with a SAS to read it.
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
    let status = if text("sig") != SIGNATURE || !text("sp").contains(permission) {
        StatusCode::FORBIDDEN
    } else if container != "box" {
        StatusCode::NOT_FOUND
    } else {
        return None;
    };
    Some(status.into_response())
}

async fn list(
    State(blobs): State<Blobs>,
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
    State(blobs): State<Blobs>,
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
    State(blobs): State<Blobs>,
    Path((container, blob)): Path<(String, String)>,
    query: Parameters,
    body: Bytes,
) -> Response {
    if let Some(refused) = refused(&container, &query, 'w') {
        return refused;
    }
    blobs.lock().unwrap().insert(blob, body.to_vec());
    StatusCode::CREATED.into_response()
}
