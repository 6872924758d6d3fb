//! The container and the blobs in it.

use super::{
    account::StorageAccount,
    name::{check_blob_name, check_container_name},
    transport::{NoRangeChecksum, Transport, from_azure},
};
use crate::{Error, Result, RetryPolicy, retry::Contact};
use azure_core::{RetryOptions, TransportOptions, prelude::NextMarker};
use azure_storage::{CloudLocation, StorageCredentials};
use azure_storage_blobs::{
    blob::Blob,
    container::operations::ListBlobsResponse,
    prelude::{BlobClient, ClientBuilder, ContainerClient},
};
use futures::StreamExt;
use std::{fmt, future::Future, num::NonZeroU32, sync::Arc};

/// Five thousand blobs a page: ten million are more than a task runner should look at.
const MAX_PAGES: usize = 2_000;

/// One container of a storage account. Cheap to clone.
#[derive(Clone)]
pub struct BlobContainer(Arc<Inner>);

struct Inner {
    account: StorageAccount,
    name: String,
    client: ContainerClient,
    retry: RetryPolicy,
}

/// A blob as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobItem {
    /// The whole name, prefix included.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// True where the blob only stands for a directory, as it does in accounts with a
    /// hierarchical namespace. There is nothing in it to download.
    pub is_directory_marker: bool,
}

impl BlobContainer {
    /// A client for a container. Nothing is sent.
    ///
    /// # Errors
    /// A `Configuration` error where this cannot be a container's name.
    pub fn new(
        account: StorageAccount,
        container: &str,
        http: reqwest::Client,
        retry: RetryPolicy,
    ) -> Result<Self> {
        check_container_name(container)?;
        let client = container_client(&account, container, http);
        Ok(Self(Arc::new(Inner { account, name: container.to_owned(), client, retry })))
    }

    /// The container's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Makes sure that the container exists and the key is right. This is the first call of a
    /// run: an endpoint that does not answer at all is given up after 5 s, while an answer such
    /// as 503 is retried as always.
    ///
    /// [List Blobs](https://learn.microsoft.com/rest/api/storageservices/list-blobs)
    ///
    /// # Errors
    /// `ContainerNotFound` (404), `AuthenticationFailed` (403), `Unreachable`, and others.
    pub async fn check(&self) -> Result<()> {
        let action = format!("look at {}", self.place());
        let one = self.client().list_blobs().max_results(NonZeroU32::MIN);
        let contact = Contact::First;
        self.0.retry.run(contact, &action, || first(one.clone().into_stream())).await.map(drop)
    }

    /// All blobs whose name begins with `prefix`, over all pages.
    ///
    /// [List Blobs](https://learn.microsoft.com/rest/api/storageservices/list-blobs)
    ///
    /// # Errors
    /// `ContainerNotFound` (404), and others of the service.
    pub async fn list(&self, prefix: &str) -> Result<Vec<BlobItem>> {
        let mut blobs = Vec::new();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let page = self.list_page(prefix, marker).await?;
            blobs.extend(page.blobs.blobs().map(BlobItem::from));
            marker = page.next_marker;
            if marker.is_none() {
                return Ok(blobs);
            }
        }
        Err(Error::protocol(format!("more than {MAX_PAGES} pages"))
            .during(&format!("list the blobs of {}", self.place())))
    }

    async fn list_page(
        &self,
        prefix: &str,
        marker: Option<NextMarker>,
    ) -> Result<ListBlobsResponse> {
        let mut page = self.client().list_blobs().include_metadata(true);
        if !prefix.is_empty() {
            page = page.prefix(prefix.to_owned());
        }
        if let Some(marker) = marker {
            page = page.marker(marker);
        }
        let action = format!("list the blobs under '{prefix}'");
        self.run(&action, || first(page.clone().into_stream())).await
    }

    /// Deletes a blob. One that is gone is as good as deleted.
    ///
    /// [Delete Blob](https://learn.microsoft.com/rest/api/storageservices/delete-blob)
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete(&self, name: &str) -> Result<()> {
        let request = self.blob(name)?.delete();
        let action = format!("delete blob '{name}'");
        let deleted = self.run(&action, || async { request.clone().await.map_err(from_azure) });
        match deleted.await {
            Err(error) if !error.has_code(&["BlobNotFound"]) => Err(error),
            _ => Ok(()),
        }
    }

    /// Repeats an attempt as the policy says. `action` is completed with the place.
    pub(crate) async fn run<T, F: Future<Output = Result<T>>>(
        &self,
        action: &str,
        attempt: impl FnMut() -> F,
    ) -> Result<T> {
        let action = format!("{action} in {}", self.place());
        self.0.retry.run(Contact::Later, &action, attempt).await
    }

    /// The storage crate's client for a blob.
    pub(crate) fn blob(&self, name: &str) -> Result<BlobClient> {
        check_blob_name(name)?;
        Ok(self.client().blob_client(name))
    }

    pub(crate) fn client(&self) -> &ContainerClient {
        &self.0.client
    }

    pub(crate) fn account(&self) -> &StorageAccount {
        &self.0.account
    }

    fn place(&self) -> String {
        format!("container '{}' at {}", self.name(), self.account().endpoint())
    }
}

impl fmt::Debug for BlobContainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobContainer")
            .field("name", &self.0.name)
            .field("account", &self.0.account)
            .finish_non_exhaustive()
    }
}

impl From<&Blob> for BlobItem {
    fn from(blob: &Blob) -> Self {
        let is = |value: Option<&String>, word| {
            value.is_some_and(|value: &String| value.eq_ignore_ascii_case(word))
        };
        let metadata = blob.metadata.as_ref();
        Self {
            name: blob.name.clone(),
            size: blob.properties.content_length,
            is_directory_marker: is(blob.properties.resource_type.as_ref(), "directory")
                || is(metadata.and_then(|metadata| metadata.get("hdi_isfolder")), "true"),
        }
    }
}

/// Our client, our retries, and no checksums.
fn container_client(
    account: &StorageAccount,
    container: &str,
    http: reqwest::Client,
) -> ContainerClient {
    let name = account.key.account().to_owned();
    let credentials = StorageCredentials::access_key(name.clone(), account.key.expose_base64());
    let location = CloudLocation::Custom { account: name, uri: account.endpoint().to_owned() };
    let mut options = azure_core::ClientOptions::default()
        .transport(TransportOptions::new(Arc::new(Transport(http))))
        .retry(RetryOptions::none());
    options.per_call_policies_mut().push(Arc::new(NoRangeChecksum));
    ClientBuilder::with_location(location, credentials)
        .client_options(options)
        .container_client(container)
}

/// The first item of a stream of the storage crate: one request, one answer.
pub(crate) async fn first<T>(
    mut stream: impl futures::Stream<Item = azure_core::Result<T>> + Unpin,
) -> Result<T> {
    match stream.next().await {
        Some(item) => item.map_err(from_azure),
        None => Err(Error::protocol("no answer was made")),
    }
}
