//! Starts and ends an emulator.

pub(crate) mod faults;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::faults::{Fault, FaultCount, Faults};
use crate::http::Front;
use crate::http::authentication::SharedKey;
use crate::http::record::{Records, RequestRecord};
use crate::http::server::serve;
use crate::http::tally::OperationCount;
use crate::node::blob::Storage;
use crate::node::image::Images;
use crate::node::tree::Tree;
use crate::node::{Site, sandbox};
use crate::service::Service;
use crate::settings::{Isolation, PoolSettings, Settings};

/// How long the node waits for a storage account to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the node waits while no byte of an answer arrives.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Why an emulator cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from other machines.
    #[error(
        "--listen {0} is not a loopback address; the emulator runs what it is told to run, so only this machine may reach it"
    )]
    NotLoopback(SocketAddr),
    /// The key is not base64.
    #[error("the key of the account is not base64")]
    Key,
    /// A pool id that the service would refuse.
    #[error(
        "the pool id {0} is not 1 to 64 letters, digits, hyphens and underscores, or is given twice"
    )]
    Pool(String),
    /// A pool with more, or less, of something than is allowed.
    #[error("the pool {pool} is not possible: {limit}")]
    PoolLimit {
        /// The pool's id.
        pool: String,
        /// What a pool may have.
        limit: &'static str,
    },
    /// An image that is no directory.
    #[error("the path {path} of the image {name} is not a directory")]
    Image {
        /// The name of the image.
        name: String,
        /// Its path.
        path: PathBuf,
    },
    /// Bubblewrap was asked for and does not work here.
    #[error(
        "bubblewrap (bwrap) is not installed or may not make a sandbox here; install the package bubblewrap or use --isolation none"
    )]
    Bubblewrap,
    /// Something of this machine is not usable.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What came of it.
        error: io::Error,
    },
}

/// A running emulator. Dropping it ends it and every process of its tasks.
pub struct Emulator {
    address: SocketAddr,
    front: Arc<Front>,
    server: JoinHandle<()>,
    /// Removed with the emulator.
    _node_root: Option<TemporaryRoot>,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emulator").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Starts an emulator on the runtime of the caller. It answers once this returns.
    ///
    /// # Errors
    /// [`StartError`] says which setting is not usable.
    pub async fn start(settings: Settings) -> Result<Emulator, StartError> {
        let key = check(&settings)?;
        let records = Records::new(settings.request_log.as_deref())
            .map_err(|error| failed("creating the request log", error))?;
        let listener = TcpListener::bind(settings.listen)
            .await
            .map_err(|error| failed(&format!("listening on {}", settings.listen), error))?;
        let address = listener.local_addr().map_err(|error| failed("listening", error))?;
        let (root, temporary) = node_root(settings.node_root.as_deref())
            .map_err(|error| failed("creating the node root", error))?;
        let faults = Faults::default();
        settings.faults.iter().cloned().for_each(|fault| faults.add(fault));
        let service = service(&settings, address, root, &faults)?;
        let front = Arc::new(front(&settings, key, records, service, faults));
        let server = tokio::spawn(serve(listener, Arc::clone(&front)));
        Ok(Emulator { address, front, server, _node_root: temporary })
    }

    /// The account's URL, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that were answered, in the order in which they arrived.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.front.records.all()
    }

    /// How often each operation was answered, those included that never were.
    pub fn operations(&self) -> Vec<OperationCount> {
        self.front.records.operations()
    }

    /// Asks for a fault. It counts from now on.
    pub fn inject(&self, fault: impl Into<Fault>) {
        self.front.faults.add(fault.into());
    }

    /// Takes back every fault that was asked for.
    pub fn clear_faults(&self) {
        self.front.faults.clear();
    }

    /// The faults that were asked for, with how often each was met.
    pub fn faults(&self) -> Vec<FaultCount> {
        self.front.faults.counts()
    }

    /// Ends every task with its processes, then the server, and removes a temporary node root.
    pub async fn shutdown(mut self) {
        self.front.service.close().await;
        self.front.closing.cancel();
        (&mut self.server).await.ok();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.front.closing.cancel();
        self.front.service.kill_all();
    }
}

fn front(
    settings: &Settings,
    key: Vec<u8>,
    records: Records,
    service: Arc<Service>,
    faults: Faults,
) -> Front {
    Front {
        service,
        shared_key: SharedKey::new(&settings.account, key),
        records,
        faults,
        settings: settings.shown(),
        clock_offset: time::Duration::minutes(settings.clock_offset.into()),
        client_timeout: settings.client_timeout,
        closing: CancellationToken::new(),
    }
}

/// Checks what needs nothing but a look, and gives the decoded key.
fn check(settings: &Settings) -> Result<Vec<u8>, StartError> {
    if !settings.listen.ip().is_loopback() {
        return Err(StartError::NotLoopback(settings.listen));
    }
    check_pools(&settings.pools)?;
    for (name, path) in &settings.images {
        if !path.is_dir() {
            return Err(StartError::Image { name: name.clone(), path: path.clone() });
        }
    }
    if settings.isolation == Isolation::Bubblewrap && !sandbox::works() {
        return Err(StartError::Bubblewrap);
    }
    STANDARD.decode(&settings.key).map_err(|_| StartError::Key)
}

fn check_pools(pools: &[PoolSettings]) -> Result<(), StartError> {
    for (at, pool) in pools.iter().enumerate() {
        let twice = pools[..at].iter().any(|other| other.id.eq_ignore_ascii_case(&pool.id));
        if twice || !crate::service::is_id(&pool.id) {
            return Err(StartError::Pool(pool.id.clone()));
        }
        if let Some(limit) = pool.exceeded_limit() {
            return Err(StartError::PoolLimit { pool: pool.id.clone(), limit });
        }
    }
    Ok(())
}

fn service(
    settings: &Settings,
    address: SocketAddr,
    root: PathBuf,
    faults: &Faults,
) -> Result<Arc<Service>, StartError> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        // One that the account closes in the moment of its use would fail the task: nothing is sent twice.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| failed("making the node's HTTP client", io::Error::other(error)))?;
    let site = Site {
        root,
        isolation: settings.isolation,
        images: Arc::new(Images::new(&settings.images)),
        account: settings.account.clone(),
        account_url: format!("http://{address}"),
        storage: Storage {
            http,
            linked: settings.auto_storage.clone(),
            faults: Arc::clone(&faults.nodes),
        },
        faults: Arc::clone(&faults.nodes),
        command_line: settings.command_line,
        blob_prefix: settings.blob_prefix,
        wildcard_base: settings.wildcard_base,
    };
    Service::new(site, settings).map_err(|error| failed("creating the nodes' directories", error))
}

/// The root of the nodes by its real path, for links are told apart by it.
fn node_root(given: Option<&Path>) -> io::Result<(PathBuf, Option<TemporaryRoot>)> {
    match given {
        Some(path) => {
            std::fs::create_dir_all(path)?;
            Ok((path.canonicalize()?, None))
        }
        None => {
            let temporary = tempfile::Builder::new().prefix("azure-batch-emulator-").tempdir()?;
            Ok((temporary.path().canonicalize()?, Some(TemporaryRoot(temporary))))
        }
    }
}

/// A root of nodes that goes with the emulator, whatever tasks left there.
struct TemporaryRoot(TempDir);

impl Drop for TemporaryRoot {
    fn drop(&mut self) {
        // What is left is tried again by the directory itself.
        Tree::open(self.0.path(), Path::new(".")).and_then(|tree| tree.empty()).ok();
    }
}

fn failed(what: &str, error: io::Error) -> StartError {
    StartError::Io { what: what.to_owned(), error }
}
