//! The container: its client, its retries, its place in errors.

use super::{
    account::StorageAccount,
    name::{check_blob_name, check_container_name},
    transport::{Transport, from_azure},
};
use crate::{Result, RetryPolicy, retry::Contact};
use azure_core::{RetryOptions, TransportOptions};
use azure_storage::{CloudLocation, StorageCredentials};
use azure_storage_blobs::prelude::{BlobClient, ClientBuilder, ContainerClient};
use std::{fmt, future::Future, sync::Arc};

/// One container of a storage account. Cheap to clone.
#[derive(Clone)]
pub struct BlobContainer(Arc<Inner>);

struct Inner {
    account: StorageAccount,
    name: String,
    client: ContainerClient,
    transport: Transport,
    retry: RetryPolicy,
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
        let (name, transport) = (container.to_owned(), Transport(http));
        let client = container_client(&account, container, transport.clone());
        Ok(Self(Arc::new(Inner { account, name, client, transport, retry })))
    }

    /// The container's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
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
        self.run_at(Contact::Later, action, attempt).await
    }

    /// The same, where this may be the first request of a run.
    pub(crate) async fn run_at<T, F: Future<Output = Result<T>>>(
        &self,
        contact: Contact,
        action: &str,
        attempt: impl FnMut() -> F,
    ) -> Result<T> {
        let Inner { name, account, retry, .. } = &*self.0;
        let action = format!("{action} in container '{name}' at {}", account.endpoint());
        retry.run(contact, &action, attempt).await
    }

    /// The storage crate's client for a blob.
    pub(crate) fn blob(&self, name: &str) -> Result<BlobClient> {
        check_blob_name(name)?;
        Ok(self.client().blob_client(name))
    }

    pub(crate) fn client(&self) -> &ContainerClient {
        &self.0.client
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) fn account(&self) -> &StorageAccount {
        &self.0.account
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

/// Our transport, and no retries but ours.
fn container_client(
    account: &StorageAccount,
    container: &str,
    transport: Transport,
) -> ContainerClient {
    let name = account.key.account().to_owned();
    let credentials = StorageCredentials::access_key(name.clone(), account.key.expose_base64());
    let location = CloudLocation::Custom { account: name, uri: account.endpoint().to_owned() };
    let options = azure_core::ClientOptions::default()
        .transport(TransportOptions::new(Arc::new(transport)))
        .retry(RetryOptions::none());
    ClientBuilder::with_location(location, credentials)
        .client_options(options)
        .container_client(container)
}
