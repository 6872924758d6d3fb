//! What is in a container.
//!
//! Read here and not by the storage crate, which trims spaces off names and fails on a list that
//! holds a single value it does not know, an access tier say.
//!
//! [List Blobs](https://learn.microsoft.com/rest/api/storageservices/list-blobs)

use super::{BlobContainer, access::Own, sas::SasPermissions};
use crate::{
    Error, Result,
    exchange::{MAX_DOCUMENT, MAX_LIST},
    retry::Contact,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

#[cfg(test)]
mod properties;

/// Five thousand blobs a page: ten million are more than a task runner should look at.
const MAX_PAGES: usize = 2_000;

/// A blob as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobItem {
    /// The whole name, prefix included.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// The MD5 digest of its content, where the service knows it: it makes one for a blob that is written as a whole.
    pub md5: Option<[u8; 16]>,
    /// True where the blob only stands for a directory, as it does in accounts with a
    /// hierarchical namespace and where a tool made one named `directory/`. There is nothing in it
    /// to download.
    pub is_directory_marker: bool,
}

impl BlobContainer {
    /// The directories whose name begins with `prefix`, each with the `/` at its end. This is the first call of a run,
    /// and makes sure that the container exists and the key is right: an endpoint that cannot be connected is given up
    /// after 5 s and one that does not answer after 30 s, while an answer such as 503 is retried as always.
    ///
    /// # Errors
    /// `ContainerNotFound` (404), `AuthenticationFailed` (403), `Unreachable`, and others.
    pub async fn directories(&self, prefix: &str) -> Result<Vec<String>> {
        let mut pages = self.pages_by(Contact::First, prefix, "/");
        let (mut directories, mut size) = (Vec::new(), 0);
        while let Some(page) = pages.next_page().await? {
            let names: Vec<_> = page.blobs.directories().collect();
            size += names.iter().map(|name| size_of_val(name) + name.len()).sum::<usize>();
            if size > MAX_LIST {
                return Err(pages.too_long());
            }
            directories.extend(names);
        }
        Ok(directories)
    }

    /// All blobs whose name begins with `prefix`, over all pages.
    ///
    /// # Errors
    /// `ContainerNotFound` (404), and others of the service.
    pub async fn list(&self, prefix: &str) -> Result<Vec<BlobItem>> {
        let mut pages = self.pages(prefix);
        let (mut blobs, mut size) = (Vec::new(), 0);
        while let Some(page) = pages.next().await? {
            size += page.iter().map(|blob| size_of_val(blob) + blob.name.len()).sum::<usize>();
            if size > MAX_LIST {
                return Err(pages.too_long());
            }
            blobs.extend(page);
        }
        Ok(blobs)
    }

    /// The same page by page, for what may be more than memory should hold.
    #[must_use]
    pub fn pages(&self, prefix: &str) -> Pages {
        self.pages_by(Contact::Later, prefix, "")
    }

    fn pages_by(&self, contact: Contact, prefix: &str, delimiter: &'static str) -> Pages {
        let (container, prefix) = (self.clone(), prefix.to_owned());
        Pages {
            container,
            contact,
            prefix,
            delimiter,
            marker: Some(String::new()),
            left: MAX_PAGES,
        }
    }

    async fn list_page(
        &self,
        contact: Contact,
        action: &str,
        query: &[(&str, &str)],
    ) -> Result<Page> {
        let attempt = async || {
            let answer =
                self.transport().get(self.list_request(query).await?, MAX_DOCUMENT).await?;
            parse(answer.document(b"<")?)
        };
        self.run_at(contact, action, attempt).await
    }

    /// With the parts of the query that say something.
    async fn list_request(&self, query: &[(&str, &str)]) -> Result<Own> {
        let mut own = self.own(None, SasPermissions::READ_LIST).await?;
        own.url
            .query_pairs_mut()
            .extend_pairs([("restype", "container"), ("comp", "list")])
            .extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
        Ok(own)
    }
}

/// A list of blobs on its way.
#[derive(Debug)]
pub struct Pages {
    container: BlobContainer,
    /// Of the next page.
    contact: Contact,
    prefix: String,
    /// Where a name ends that stands for all longer ones. Empty: names are whole.
    delimiter: &'static str,
    /// Where the next page begins. None after the last one.
    marker: Option<String>,
    left: usize,
}

impl Pages {
    /// The next page, which may be empty. None: there are no more.
    ///
    /// # Errors
    /// `ContainerNotFound` (404), and others of the service.
    pub async fn next(&mut self) -> Result<Option<Vec<BlobItem>>> {
        Ok(self.next_page().await?.map(|page| page.blobs.blobs().collect()))
    }

    async fn next_page(&mut self) -> Result<Option<Page>> {
        let Some(marker) = self.marker.take() else { return Ok(None) };
        if self.left == 0 {
            return Err(self.too_long());
        }
        self.left -= 1;
        let query = [
            ("include", "metadata"),
            ("prefix", &self.prefix),
            ("delimiter", self.delimiter),
            ("marker", &marker),
        ];
        let page = self.container.list_page(self.contact, &self.action(), &query).await?;
        self.contact = Contact::Later;
        self.marker = Some(page.next_marker.clone()).filter(|marker| !marker.is_empty());
        Ok(Some(page))
    }

    fn too_long(&self) -> Error {
        let longest = format!("the list is longer than {MAX_PAGES} pages or {MAX_LIST} bytes");
        Error::protocol(longest).during(&self.action())
    }

    fn action(&self) -> String {
        match self.prefix.as_str() {
            "" => "list the blobs".to_owned(),
            prefix => format!("list the blobs under '{prefix}'"),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    blobs: Blobs,
    #[serde(default)]
    next_marker: String,
}

/// Blobs and directories, in the order of their names.
#[derive(Debug, Deserialize)]
struct Blobs {
    #[serde(rename = "$value", default)]
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
enum Entry {
    Blob(Blob),
    BlobPrefix(BlobPrefix),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlobPrefix {
    name: Name,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blob {
    name: Name,
    properties: Properties,
    metadata: Option<Metadata>,
}

/// Percent-encoded where it holds a character that XML cannot.
#[derive(Debug, Deserialize)]
struct Name {
    #[serde(rename = "@Encoded", default)]
    encoded: bool,
    #[serde(rename = "$text", default)]
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    #[serde(rename = "Content-Length", default)]
    content_length: u64,
    #[serde(rename = "Content-MD5")]
    content_md5: Option<String>,
    resource_type: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    hdi_isfolder: Option<String>,
}

impl Blobs {
    fn blobs(self) -> impl Iterator<Item = BlobItem> {
        self.entries.into_iter().filter_map(|entry| match entry {
            Entry::Blob(blob) => Some(blob.into()),
            Entry::BlobPrefix(_) => None,
        })
    }

    fn directories(self) -> impl Iterator<Item = String> {
        self.entries.into_iter().filter_map(|entry| match entry {
            Entry::Blob(_) => None,
            Entry::BlobPrefix(directory) => Some(directory.name.decoded()),
        })
    }
}

impl From<Blob> for BlobItem {
    fn from(blob: Blob) -> Self {
        let is_directory = blob.properties.resource_type.is_some_and(|kind| kind == "directory");
        let folder = blob.metadata.and_then(|metadata| metadata.hdi_isfolder);
        let is_folder = folder.is_some_and(|folder| folder == "true");
        let name = blob.name.decoded();
        Self {
            size: blob.properties.content_length,
            md5: blob.properties.content_md5.and_then(|md5| digest(&md5)),
            is_directory_marker: is_directory || is_folder || name.ends_with('/'),
            name,
        }
    }
}

/// A digest in base64.
fn digest(text: &str) -> Option<[u8; 16]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

impl Name {
    fn decoded(self) -> String {
        if !self.encoded {
            return self.text;
        }
        percent_decode_str(&self.text).decode_utf8_lossy().into_owned()
    }
}

/// The answer is not quoted: its text may be anything.
fn parse(body: &[u8]) -> Result<Page> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    quick_xml::de::from_reader(body)
        .map_err(|_| Error::protocol("the answer was not understood: it is not a list of blobs"))
}
