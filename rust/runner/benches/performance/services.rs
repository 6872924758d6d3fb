//! Blob Storage and Batch, each in a process of its own, and the ways to them.

use std::fs;
use std::future;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use azure_batch_emulator::{Emulator, PoolSettings, Settings};
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::time::sleep;

use crate::azurite::{ACCOUNT, Azurite};
use crate::proxy::Proxy;
use crate::store::Store;
use crate::{child, files, plain};

pub(crate) const BATCH_ACCOUNT: &str = "benchbatch";
pub(crate) const BATCH_KEY: &str = "YmVuY2gtYmF0Y2gta2V5";
pub(crate) const POOL: &str = "pool";
pub(crate) const IMAGE: &str = "image";
pub(crate) const CONTAINER: &str = "bench";

/// For 128 tasks at once. More of them make Azurite, or this machine, too slow for the nodes' patience.
const NODES: u32 = 8;
const SLOTS: u32 = 16;

/// Uploads that let Azurite's code be compiled before anything is measured.
const WARM_UP: usize = 200;

/// What a worker's requests have; those of the emulator's nodes and of the plain loops do not.
const WORKER: &str = "\"user-agent\":";

const BATCH_LOG: &str = "batch.jsonl";
const BLOB_LOG: &str = "blob.log";

/// Azurite writes its log so late at most.
const LATE: Duration = Duration::from_millis(500);

/// Both services. They end with it.
pub(crate) struct Services {
    blob: SocketAddr,
    _blob_storage: BlobStorage,
    batch: SocketAddr,
    _emulator: Child,
    /// The nodes' files, and the logs.
    directory: TempDir,
}

#[expect(dead_code, reason = "what ends with it")]
enum BlobStorage {
    Azurite(Azurite),
    Store(Child),
}

/// Where a client at some distance finds the services.
pub(crate) struct Place {
    pub(crate) batch: String,
    pub(crate) blob: String,
    _proxies: Vec<Proxy>,
}

impl Services {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), None, &[]).await
    }

    /// Batch takes so many requests a second.
    pub(crate) async fn start_throttled(rate_limit: NonZeroU32) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), Some(rate_limit), &[]).await
    }

    /// Azurite records each request with its headers. That takes time.
    pub(crate) async fn start_recording() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join(BLOB_LOG);
        Self::start_in(directory, None, &["--debug", log.to_str().unwrap()]).await
    }

    /// Blobs are in a store that takes the same time for each, however many it has. Azurite does not.
    pub(crate) async fn start_with_store() -> Self {
        let (store, address) = start_child("store", &()).await;
        let directory = tempfile::tempdir().unwrap();
        Self::start_beside(BlobStorage::Store(store), address, directory, None).await
    }

    async fn start_in(
        directory: TempDir,
        rate_limit: Option<NonZeroU32>,
        switches: &[&str],
    ) -> Self {
        let azurite = Azurite::start_with(&[&["--inMemoryPersistence"], switches].concat()).await;
        azurite.create_container(CONTAINER).await;
        let address = azurite.endpoint.trim_start_matches("http://").split('/').next().unwrap();
        let address = address.parse().unwrap();
        Self::start_beside(BlobStorage::Azurite(azurite), address, directory, rate_limit).await
    }

    async fn start_beside(
        storage: BlobStorage,
        blob: SocketAddr,
        directory: TempDir,
        rate_limit: Option<NonZeroU32>,
    ) -> Self {
        let (emulator, batch) = start_child("emulator", &(directory.path(), rate_limit)).await;
        let services = Self { blob, _blob_storage: storage, batch, _emulator: emulator, directory };
        services.warm_up().await;
        services
    }

    async fn warm_up(&self) {
        let files = files::many(WARM_UP);
        let place = self.at(Duration::ZERO).await;
        plain::put_one_by_one(&place, &files, WARM_UP).await;
    }

    /// The services as they are seen from there. Without a round trip nothing stands between.
    pub(crate) async fn at(&self, round_trip: Duration) -> Place {
        let (mut addresses, mut proxies) = ([self.batch, self.blob], Vec::new());
        for address in addresses.iter_mut().filter(|_| round_trip > Duration::ZERO) {
            let proxy = Proxy::start(*address, round_trip).await;
            *address = proxy.address;
            proxies.push(proxy);
        }
        let [batch, blob] = addresses;
        Place {
            batch: format!("http://{batch}"),
            blob: format!("http://{blob}/{ACCOUNT}"),
            _proxies: proxies,
        }
    }

    /// The operations of Batch that were asked for, in order.
    pub(crate) fn batch_requests(&self) -> Vec<String> {
        let operation = |line: &str| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["operation"].as_str().map(str::to_owned)
        };
        self.log(BATCH_LOG).lines().filter_map(operation).collect()
    }

    /// The requests to Blob Storage of workers, each as a line of Azurite's.
    pub(crate) async fn blob_requests(&self) -> Vec<String> {
        let (mut log, mut length) = (self.log(BLOB_LOG), 0);
        while log.len() > length {
            length = log.len();
            sleep(LATE).await;
            log = self.log(BLOB_LOG);
        }
        let is_request = |line: &&str| line.contains("RequestMethod=") && line.contains(WORKER);
        log.lines().filter(is_request).map(str::to_owned).collect()
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap()
    }
}

/// A child that serves, and its address: its first line.
async fn start_child(role: &str, question: &impl Serialize) -> (Child, SocketAddr) {
    let mut child = child::start(role, question).await;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().expect("the service ended");
    (child, line.parse().unwrap())
}

/// The role of Blob Storage.
pub(crate) fn serve_store() {
    let () = child::question();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::start().await;
        println!("{}", store.endpoint.trim_start_matches("http://").trim_end_matches("/acct"));
        future::pending::<()>().await;
    });
}

/// The role of Batch.
pub(crate) fn serve_batch() {
    let (directory, rate_limit): (PathBuf, Option<NonZeroU32>) = child::question();
    let pool = format!("{POOL}:nodes={NODES},slots={SLOTS}").parse::<PoolSettings>().unwrap();
    let [image, nodes] = ["image", "nodes"].map(|name| directory.join(name));
    fs::create_dir(&image).unwrap();
    fs::create_dir(&nodes).unwrap();
    let settings = Settings {
        account: BATCH_ACCOUNT.to_owned(),
        key: BATCH_KEY.to_owned(),
        pools: vec![pool],
        images: [(IMAGE.to_owned(), image)].into(),
        node_root: Some(nodes),
        request_log: Some(directory.join(BATCH_LOG)),
        job_quota: 10_000,
        rate_limit,
        ..Settings::default()
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let emulator = Emulator::start(settings).await.unwrap();
        println!("{}", emulator.endpoint().trim_start_matches("http://"));
        future::pending::<()>().await;
    });
}
