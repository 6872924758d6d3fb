//! The container: its client, its retries, its place in errors.

use super::{
    account::StorageAccount,
    in_flight::Share,
    name::{check_blob_name, check_container_name},
    transport::{Transport, from_azure},
    window::Window,
};
use crate::{Error, Result, RetryPolicy, retry::Contact};
use azure_core::{RetryOptions, TransportOptions};
use azure_storage::CloudLocation;
use azure_storage_blobs::prelude::{BlobClient, ClientBuilder, ContainerClient};
use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{OnceCell, RwLock};

/// One container of a storage account. Cheap to clone.
#[derive(Clone)]
pub struct BlobContainer(Arc<Inner>);

struct Inner {
    account: StorageAccount,
    name: String,
    client: ContainerClient,
    transport: Transport,
    retry: RetryPolicy,
    share: Share,
    window: Window,
    /// Held by each write under way. A counter of tasks would not do: one that begins while somebody waits would not
    /// be waited for. This lock is fair: once somebody waits to have it alone, no write begins.
    writes: Arc<RwLock<()>>,
    /// Until a batch of deletions is refused.
    takes_batches: AtomicBool,
    requests: AtomicU64,
    retries: AtomicU64,
    /// Whether a signature can be for one directory, once that was asked for.
    takes_directories: OnceCell<bool>,
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
        let client = container_client(&account, container, transport.clone())?;
        let (share, writes) = (Share::new(), Arc::default());
        let takes_batches = AtomicBool::new(true);
        Ok(Self(Arc::new(Inner {
            account,
            name,
            client,
            transport,
            retry,
            share,
            window: Window::new(),
            writes,
            takes_batches,
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            takes_directories: OnceCell::new(),
        })))
    }

    /// The container's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The account that it is in.
    #[must_use]
    pub fn account(&self) -> &StorageAccount {
        &self.0.account
    }

    /// How many requests were made so far, and how many of them again after an error.
    #[must_use]
    pub fn requests(&self) -> (u64, u64) {
        (self.0.requests.load(Relaxed), self.0.retries.load(Relaxed))
    }

    /// Makes sure that requests can be authorized: fetches a token where they need one.
    ///
    /// # Errors
    /// What whoever issues tokens says.
    pub async fn sign_in(&self) -> Result<()> {
        self.0.account.access.sign_in().await
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

    /// Waits until the writes under way have arrived, and lets no other begin before that. A write goes on when the
    /// future that began it is dropped, so wait here before removing blobs: what arrived later would stay.
    pub async fn writes_have_arrived(&self) {
        drop(self.0.writes.write().await);
    }

    /// One attempt at a write. It ends even if the caller drops this: the service may have what was sent of it.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        attempt: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        // Before the spawn: a caller that is gone by then begins no write.
        let under_way = Arc::clone(&self.0.writes).read_owned().await;
        let write = tokio::spawn(async move {
            let written = attempt.await;
            drop(under_way);
            written
        });
        write.await.map_err(|error| Error::local(format!("the write ended early: {error}")))?
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
        mut attempt: impl FnMut() -> F,
    ) -> Result<T> {
        let Inner { name, account, retry, .. } = &*self.0;
        let action = format!("{action} in container '{name}' at {}", account.endpoint());
        let mut is_first = true;
        let attempt = || {
            let again = !std::mem::replace(&mut is_first, false);
            self.0.retries.fetch_add(again.into(), Relaxed);
            self.in_window(attempt())
        };
        retry.run(contact, &action, attempt).await
    }

    /// One request, once there may be another. Where a token was refused, it may have expired on its way.
    async fn in_window<T>(&self, attempt: impl Future<Output = Result<T>>) -> Result<T> {
        let pass = self.0.window.enter().await;
        self.0.requests.fetch_add(1, Relaxed);
        let access = &self.0.account.access;
        let mark = access.mark();
        let outcome = attempt.await.map_err(|error| match access.is_refused(mark, &error) {
            true => error.passing(Duration::ZERO),
            false => error,
        });
        pass.leave(outcome.as_ref().is_err_and(Error::is_retryable));
        outcome
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

    pub(super) fn share(&self) -> &Share {
        &self.0.share
    }

    pub(super) fn takes_batches(&self) -> &AtomicBool {
        &self.0.takes_batches
    }

    pub(super) fn takes_directories(&self) -> &OnceCell<bool> {
        &self.0.takes_directories
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
) -> Result<ContainerClient> {
    let name = account.name().to_owned();
    let credentials = account.access.credentials(&name)?;
    let location = CloudLocation::Custom { account: name, uri: account.endpoint().to_owned() };
    let options = azure_core::ClientOptions::default()
        .transport(TransportOptions::new(Arc::new(transport)))
        .retry(RetryOptions::none());
    let builder = ClientBuilder::with_location(location, credentials).client_options(options);
    Ok(builder.container_client(container))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, future::join};
    use std::sync::Mutex;
    use tokio::{sync::mpsc, task::yield_now};

    fn container() -> BlobContainer {
        let account = StorageAccount::from_parts("https://h", "acct", "a2V5").unwrap();
        BlobContainer::new(account, "data", reqwest::Client::new(), RetryPolicy::default()).unwrap()
    }

    #[tokio::test]
    async fn a_write_that_is_given_up_arrives_and_no_other_begins_before_that() {
        let (container, (sender, mut order)) = (container(), mpsc::unbounded_channel());
        let write = |what: &'static str, pauses| {
            let sender = sender.clone();
            container.write(async move {
                for _ in 0..pauses {
                    yield_now().await;
                }
                sender.send(what).unwrap();
                Ok(())
            })
        };
        tokio::select! {
            biased;
            _ = write("first", 10) => unreachable!("it has only begun"),
            () = yield_now() => {}
        }
        let stopped = container.writes_have_arrived().map(|()| sender.send("arrived").unwrap());
        let (_, second) = join(stopped, write("second", 0)).await;
        second.unwrap();
        for expected in ["first", "arrived", "second"] {
            assert_eq!(order.recv().await, Some(expected));
        }
    }

    /// A kill waits for writes, and a disk may take its time.
    #[tokio::test]
    async fn a_file_that_is_read_from_a_slow_disk_is_no_write_yet() {
        let (container, (told, reading)) = (container(), std::sync::mpsc::channel::<()>());
        let (told_reader, started) = tokio::sync::oneshot::channel();
        let (told_reader, reading) = (Mutex::new(Some(told_reader)), Mutex::new(reading));
        let read = move |_, _| {
            told_reader.lock().unwrap().take().unwrap().send(()).unwrap();
            reading.lock().unwrap().recv().map_err(std::io::Error::other)?;
            Ok(vec![0])
        };
        let put = container.put_file("a", 1, Arc::new(read));
        tokio::select! {
            _ = put => unreachable!("the disk has not answered"),
            _ = started => container.writes_have_arrived().await,
        }
        drop(told);
    }
}
