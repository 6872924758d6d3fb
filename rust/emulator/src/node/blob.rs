//! The node's small Blob Storage client.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use quick_xml::de;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Take};
use tokio_util::io::ReaderStream;
use url::Url;

use super::faults::{BlobRefusal, BlobRequest, NodeAction, NodeFailure, NodeFault};
use super::tree::Tree;
use crate::entra::Directory;
use crate::faults::active::ActiveFaults;
use crate::settings::LinkedStorage;
use crate::wire::task::UploadHeader;

/// The Blob service version that the node uses.
const VERSION: &str = "2021-12-02";

/// The most pages of a listing, with 5,000 blobs each.
const PAGES: usize = 200;
/// The most bytes of such a page.
const PAGE: usize = 32 << 20;

/// A larger file is uploaded in blocks of this size: Put Blob takes at most 5,000 MiB, and the time of a
/// request is limited.
const BLOCK: u64 = 8 << 20;

/// The number of concurrent transfers.
pub(super) const AT_ONCE: usize = 8;

/// The headers that the node itself sets on uploads.
pub(crate) const UPLOAD_HEADERS: [&str; 5] =
    ["authorization", "content-length", "host", "x-ms-blob-type", "x-ms-version"];

/// The storage client of the nodes.
#[derive(Clone)]
pub(crate) struct Storage {
    pub(crate) http: Client,
    /// The storage account that is linked to the Batch account.
    pub(crate) linked: Option<LinkedStorage>,
    /// Issues the tokens of pools' identities.
    pub(crate) directory: Option<Arc<Directory>>,
    pub(crate) faults: Arc<ActiveFaults<NodeFault>>,
}

impl Storage {
    /// Returns the error of a fault that applies to this request.
    fn check_fault(&self, request: BlobRequest) -> Result<(), BlobError> {
        let text = |text: &str| format!("{text} (injected fault)");
        match self.faults.fire(NodeAction::Blob(request)).map(|fault| fault.failure) {
            Some(NodeFailure::Blob(_, BlobRefusal::Denied)) => {
                Err(BlobError::Denied(text("403 Forbidden AuthorizationFailure")))
            }
            Some(NodeFailure::Blob(_, BlobRefusal::NotFound)) => {
                Err(BlobError::NotFound(text("404 Not Found")))
            }
            Some(NodeFailure::Blob(_, BlobRefusal::TimedOut)) => Err(BlobError::TimedOut),
            _ => Ok(()),
        }
    }
}

/// An error of a blob or its container.
#[derive(Debug)]
pub(crate) enum BlobError {
    /// 401 or 403.
    Denied(String),
    /// 404.
    NotFound(String),
    /// 409.
    Conflict(String),
    TimedOut,
    /// The local file could not be read or written.
    File(std::io::Error),
    Other(String),
}

impl BlobError {
    /// Returns the reason without the URL, which contains the SAS.
    pub(crate) fn reason(&self) -> String {
        match self {
            BlobError::Denied(text) | BlobError::NotFound(text) | BlobError::Conflict(text) => {
                text.clone()
            }
            BlobError::TimedOut => "the storage account did not answer in time".to_owned(),
            BlobError::File(error) => error.to_string(),
            BlobError::Other(text) => text.clone(),
        }
    }
}

impl From<reqwest::Error> for BlobError {
    fn from(error: reqwest::Error) -> BlobError {
        match error.is_timeout() {
            true => BlobError::TimedOut,
            false => BlobError::Other(error.without_url().to_string()),
        }
    }
}

/// A blob in a listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedBlob {
    pub(crate) name: String,
    #[serde(default)]
    metadata: Option<Metadata>,
    properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    hdi_isfolder: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Properties {
    #[serde(rename = "Content-Length", default)]
    content_length: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    #[serde(default)]
    blobs: Blobs,
    #[serde(default)]
    next_marker: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blobs {
    #[serde(default)]
    blob: Vec<ListedBlob>,
}

impl ListedBlob {
    /// Returns whether it represents a directory, as hierarchical namespaces list them.
    pub(crate) fn is_directory(&self) -> bool {
        let marked = self.metadata.as_ref().and_then(|metadata| metadata.hdi_isfolder.as_deref());
        marked.is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || (self.properties.content_length == 0 && self.name.ends_with('/'))
    }
}

/// A blob or a container, and how a request for it is authenticated: with the SAS in its URL, or
/// with a token.
#[derive(Clone)]
pub(crate) struct Location {
    pub(crate) url: Url,
    pub(super) token: Option<String>,
}

impl Location {
    /// Returns a blob in this container. `None` for a name that a URL cannot contain: `.` and `..`
    /// in a path are directories.
    pub(crate) fn blob(&self, name: &str) -> Option<Location> {
        if name.split('/').any(|segment| matches!(segment, "." | "..")) {
            return None;
        }
        let mut url = self.url.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(name.split('/'));
        Some(Location { url, ..self.clone() })
    }

    fn request(&self, storage: &Storage, method: Method, query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.url.clone();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = storage.http.request(method, url).header("x-ms-version", VERSION);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

impl From<Url> for Location {
    fn from(url: Url) -> Location {
        Location { url, token: None }
    }
}

/// Returns all blobs of a container with a prefix.
///
/// [List Blobs](https://learn.microsoft.com/rest/api/storageservices/list-blobs)
pub(crate) async fn list(
    storage: &Storage,
    container: &Location,
    prefix: &str,
) -> Result<Vec<ListedBlob>, BlobError> {
    let mut found = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES {
        let page = list_page(storage, container, prefix, marker.as_deref()).await?;
        found.extend(page.blobs.blob);
        marker = page.next_marker.filter(|next| !next.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
    Err(BlobError::Other(format!("the listing has more than {PAGES} pages")))
}

async fn list_page(
    storage: &Storage,
    container: &Location,
    prefix: &str,
    marker: Option<&str>,
) -> Result<Listing, BlobError> {
    storage.check_fault(BlobRequest::ListBlobs)?;
    let wanted = [("restype", "container"), ("comp", "list"), ("include", "metadata")];
    let optional =
        [("prefix", Some(prefix).filter(|prefix| !prefix.is_empty())), ("marker", marker)];
    let optional = optional.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
    let query: Vec<_> = wanted.into_iter().chain(optional).collect();
    let page = ok(container.request(storage, Method::GET, &query).send().await?).await?;
    let page = body(page, PAGE).await?;
    de::from_str(&String::from_utf8_lossy(&page))
        .map_err(|error| BlobError::Other(format!("not a blob listing: {error}")))
}

/// Reads a response body of at most `most` bytes.
async fn body(answer: Response, most: usize) -> Result<Vec<u8>, BlobError> {
    let (mut read, mut pieces) = (Vec::new(), answer.bytes_stream());
    while let Some(piece) = pieces.next().await {
        read.extend_from_slice(&piece?);
        if read.len() > most {
            return Err(BlobError::Other(format!("the listing has more than {most} bytes")));
        }
    }
    Ok(read)
}

/// Downloads a blob to a file below a directory.
///
/// [Get Blob](https://learn.microsoft.com/rest/api/storageservices/get-blob)
pub(crate) async fn download(
    storage: &Storage,
    from: &Location,
    tree: &Tree,
    to: &Path,
) -> Result<File, BlobError> {
    storage.check_fault(BlobRequest::GetBlob)?;
    let response = ok(from.request(storage, Method::GET, &[]).send().await?).await?;
    let mut file = File::from_std(tree.write(to).map_err(BlobError::File)?);
    let mut body = response.bytes_stream();
    while let Some(piece) = body.next().await {
        file.write_all(&piece?).await.map_err(BlobError::File)?;
    }
    file.flush().await.map_err(BlobError::File)?;
    Ok(file)
}

/// Uploads a file below a directory as a block blob, a large one in blocks.
///
/// [Put Blob](https://learn.microsoft.com/rest/api/storageservices/put-blob)
pub(crate) async fn upload(
    storage: &Storage,
    to: &Location,
    (tree, from): (&Tree, &Path),
    headers: &[UploadHeader],
) -> Result<(), BlobError> {
    storage.check_fault(BlobRequest::PutBlob)?;
    let (file, length) = tree.read(from).map_err(BlobError::File)?;
    let file = File::from_std(file).take(length);
    let headers = headers.iter().filter_map(UploadHeader::pair).collect();
    if length > BLOCK {
        return upload_blocks(storage, to, file, headers).await;
    }
    let request = to
        .request(storage, Method::PUT, &[])
        .header("x-ms-blob-type", "BlockBlob")
        .header("content-length", length)
        .headers(headers)
        .body(reqwest::Body::wrap_stream(ReaderStream::new(file)));
    ok(request.send().await?).await.map(drop)
}

/// [Put Block](https://learn.microsoft.com/rest/api/storageservices/put-block),
/// [Put Block List](https://learn.microsoft.com/rest/api/storageservices/put-block-list)
async fn upload_blocks(
    storage: &Storage,
    to: &Location,
    mut file: Take<File>,
    headers: HeaderMap,
) -> Result<(), BlobError> {
    let mut blocks = String::new();
    for number in 0.. {
        let mut block = Vec::new();
        (&mut file).take(BLOCK).read_to_end(&mut block).await.map_err(BlobError::File)?;
        if block.is_empty() {
            break;
        }
        // Base64 as it is.
        let id = format!("{number:08}");
        let query = [("comp", "block"), ("blockid", &id)];
        put(storage, to, &query, HeaderMap::new(), block).await?;
        blocks += &format!("<Latest>{id}</Latest>");
    }
    let list = format!("<BlockList>{blocks}</BlockList>").into_bytes();
    put(storage, to, &[("comp", "blocklist")], headers, list).await
}

async fn put(
    storage: &Storage,
    to: &Location,
    query: &[(&str, &str)],
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<(), BlobError> {
    let request = to.request(storage, Method::PUT, query).headers(headers);
    ok(request.body(body).send().await?).await.map(drop)
}

async fn ok(response: Response) -> Result<Response, BlobError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let code = response.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok());
    let text = format!("{status} {}", code.unwrap_or_default()).trim_end().to_owned();
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => BlobError::Denied(text),
        StatusCode::NOT_FOUND => BlobError::NotFound(text),
        StatusCode::CONFLICT => BlobError::Conflict(text),
        _ => BlobError::Other(text),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn container(url: &str) -> Location {
        Url::parse(url).unwrap().into()
    }

    proptest! {
        #[test]
        fn the_url_of_a_blob_holds_its_whole_name_or_there_is_none(name in "[ab./ %?#&+é]{1,9}|\\PC{1,9}") {
            let container = container("http://127.0.0.1:1/acc/box?sig=a%2Bb");
            let has_dots = format!("/{name}/").contains("/./") || format!("/{name}/").contains("/../");
            match container.blob(&name).map(|blob| blob.url) {
                Some(url) => {
                    let path = percent_encoding::percent_decode_str(url.path()).decode_utf8().unwrap();
                    prop_assert_eq!(path, format!("/acc/box/{name}"));
                    prop_assert_eq!(url.query(), Some("sig=a%2Bb"));
                }
                None => prop_assert!(has_dots),
            }
        }
    }

    #[test]
    fn a_blob_url_keeps_the_sas_and_escapes_the_name() {
        let container = container("http://127.0.0.1:1/acc/box/?sig=a%2Bb");
        let url = container.blob("a b/50%#?.txt").unwrap().url;
        assert_eq!(url.as_str(), "http://127.0.0.1:1/acc/box/a%20b/50%25%23%3F.txt?sig=a%2Bb");
    }

    #[test]
    fn a_listing_is_read_with_its_directory_markers() {
        let xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"x\" \
            ContainerName=\"c\"><Prefix>in/</Prefix><Blobs>\
            <Blob><Name>in/d</Name><Properties><Content-Length>0</Content-Length></Properties>\
            <Metadata><hdi_isfolder>true</hdi_isfolder></Metadata></Blob>\
            <Blob><Name>in/e/</Name><Properties><Content-Length>0</Content-Length></Properties></Blob>\
            <Blob><Name>in/f</Name><Properties><Content-Length>7</Content-Length></Properties>\
            <Metadata/></Blob></Blobs><NextMarker>n</NextMarker></EnumerationResults>";
        let listing: Listing = de::from_str(xml).unwrap();
        let found: Vec<_> =
            listing.blobs.blob.iter().map(|blob| (&*blob.name, blob.is_directory())).collect();
        assert_eq!(found, [("in/d", true), ("in/e/", true), ("in/f", false)]);
        assert_eq!(listing.next_marker.as_deref(), Some("n"));
    }

    #[test]
    fn names_of_a_listing_keep_their_characters() {
        for (written, name) in [(" a ", " a "), ("a&amp;b &lt;c&gt;", "a&b <c>"), ("é%20", "é%20")]
        {
            let blob = format!("<Blob><Name>{written}</Name><Properties/></Blob>");
            let xml = format!("<EnumerationResults><Blobs>{blob}</Blobs></EnumerationResults>");
            let listing: Listing = de::from_str(&xml).unwrap();
            assert_eq!(listing.blobs.blob[0].name, name);
        }
    }

    #[tokio::test]
    async fn a_page_of_a_listing_is_read_up_to_its_limit() {
        let answer = || Response::from(axum::http::Response::new("0123456789"));
        assert_eq!(body(answer(), 10).await.unwrap(), b"0123456789");
        let reason = body(answer(), 9).await.unwrap_err().reason();
        assert_eq!(reason, "the listing has more than 9 bytes");
    }

    #[test]
    fn an_empty_listing_is_read() {
        let xml = "<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>";
        let listing: Listing = de::from_str(xml).unwrap();
        assert!(listing.blobs.blob.is_empty());
        assert_eq!(listing.next_marker.unwrap_or_default(), "");
    }
}
