//! Starting and stopping an emulator.

pub(crate) mod faults;
mod issuer;

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

use crate::entra::Directory;
use crate::faults::{Fault, FaultCount, Faults};
use crate::http::authentication::SharedKey;
use crate::http::load::Load;
use crate::http::record::{Records, RequestRecord};
use crate::http::server::serve;
use crate::http::{AppState, router};
use crate::node::blob::Storage;
use crate::node::image::{Image, Images};
use crate::node::tree::Tree;
use crate::node::{NodeContext, sandbox};
use crate::service::Service;
use crate::settings::{Isolation, PoolSettings, Settings};
use issuer::{Issuer, Tenant};

/// How long a node waits for a storage account to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a node waits for the next byte of a response from storage.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Why an emulator cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from other machines.
    #[error(
        "--listen {0} is not a loopback address; whoever reaches the emulator can run commands on this machine, so it must not be reachable from others"
    )]
    NotLoopback(SocketAddr),
    /// The issuer's address is reachable from other machines.
    #[error(
        "--issuer-listen {0} is not a loopback address; whoever reaches the issuer can get the tokens of managed identities"
    )]
    IssuerNotLoopback(SocketAddr),
    /// A principal of Microsoft Entra ID cannot be used.
    #[error("{0}")]
    Principal(String),
    /// The key is not base64.
    #[error("the key of the account is not base64")]
    Key,
    /// A pool id that the service would refuse, or a duplicate.
    #[error(
        "the pool id {0} is not 1 to 64 letters, digits, hyphens and underscores, or is used twice"
    )]
    Pool(String),
    /// A number of a pool's nodes or task slots is out of range.
    #[error("the pool {pool} is not valid: {limit}")]
    PoolLimit {
        /// The pool's id.
        pool: String,
        /// The allowed range.
        limit: &'static str,
    },
    /// An image cannot be used.
    #[error("the image {name} at {path} cannot be used: {reason}")]
    Image {
        /// The name of the image.
        name: String,
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Bubblewrap was asked for and does not work here.
    #[error(
        "bubblewrap (bwrap) is not installed or cannot create a sandbox here; install the package bubblewrap or use --isolation none"
    )]
    Bubblewrap,
    /// An I/O error of this machine.
    #[error("{what}: {error}")]
    Io {
        /// What was being done.
        what: String,
        /// The error.
        error: io::Error,
    },
}

/// A running emulator. Dropping it stops it and kills every process of its tasks.
pub struct Emulator {
    address: SocketAddr,
    state: Arc<AppState>,
    server: JoinHandle<()>,
    issuer: Option<Issuer>,
    /// Removed when the emulator is dropped.
    _node_root: Option<TemporaryRoot>,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emulator").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Starts an emulator on the caller's Tokio runtime. It accepts requests once this returns.
    ///
    /// # Errors
    /// [`StartError`] names the setting that cannot be used.
    pub async fn start(settings: Settings) -> Result<Emulator, StartError> {
        let key = check(&settings)?;
        let images = images(&settings)?;
        let records = Records::new(settings.request_log.as_deref())
            .map_err(|error| failed("creating the request log", error))?;
        let (listener, address) = listen(settings.listen).await?;
        let tenant = match &settings.entra {
            Some(entra) => Some(Tenant::new(entra).await?),
            None => None,
        };
        let (root, temporary) = node_root(settings.node_root.as_deref())
            .map_err(|error| failed("creating the node root", error))?;
        let faults = Faults::default();
        settings.faults.iter().cloned().for_each(|fault| faults.add(fault));
        let directory = tenant.as_ref().map(|tenant| Arc::clone(&tenant.directory));
        let storage = storage(&settings, directory.clone(), &faults)?;
        let service = service(&settings, images, address, root, storage)?;
        let state = Arc::new(app_state(&settings, key, directory, records, service, faults));
        let issuer = tenant.map(|tenant| tenant.start(&state));
        let server = tokio::spawn(serve(listener, router(Arc::clone(&state)), Arc::clone(&state)));
        Ok(Emulator { address, state, server, issuer, _node_root: temporary })
    }

    /// Returns the account's URL, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the URL of the issuer of tokens, `http://127.0.0.1:PORT`; `None` without
    /// [`Settings::entra`].
    pub fn issuer_endpoint(&self) -> Option<String> {
        self.issuer.as_ref().map(|issuer| format!("http://{}", issuer.address))
    }

    /// Returns a token for a workload, as Kubernetes puts it into a file: applications that trust
    /// this subject ([`crate::Proof::Federated`]) can prove who they are with it. `None` without
    /// [`Settings::entra`].
    pub fn federated_token(&self, subject: &str, life: Duration) -> Option<String> {
        self.state.directory.as_ref()?.federated_token(subject, life)
    }

    /// Replaces the account's key, as an operator does who regenerates it.
    ///
    /// # Errors
    /// [`StartError::Key`] if the key is not base64.
    pub fn regenerate_key(&self, key: &str) -> Result<(), StartError> {
        let key = STANDARD.decode(key).map_err(|_| StartError::Key)?;
        self.state.shared_key.replace(key);
        Ok(())
    }

    /// Returns the recorded requests, in the order of arrival.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.state.records.all()
    }

    /// Adds a fault. It counts events from now on.
    pub fn inject(&self, fault: Fault) {
        self.state.faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Returns the injected faults, with how often each one fired.
    pub fn faults(&self) -> Vec<FaultCount> {
        self.state.faults.counts()
    }

    /// Stops every task with its processes, then the server, and removes a temporary node root.
    pub async fn shutdown(mut self) {
        self.state.service.close().await;
        self.state.closing.cancel();
        (&mut self.server).await.ok();
        if let Some(issuer) = &mut self.issuer {
            (&mut issuer.server).await.ok();
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.state.closing.cancel();
        self.state.service.kill_all();
    }
}

fn app_state(
    settings: &Settings,
    key: Vec<u8>,
    directory: Option<Arc<Directory>>,
    records: Records,
    service: Arc<Service>,
    faults: Faults,
) -> AppState {
    AppState {
        service,
        shared_key: SharedKey::new(&settings.account, key),
        authentication_modes: settings.authentication_modes.clone(),
        directory,
        records,
        faults,
        load: Load::new(settings),
        settings: settings.to_json(),
        clock_offset: time::Duration::minutes(settings.clock_offset.into()),
        client_timeout: settings.client_timeout,
        closing: CancellationToken::new(),
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| failed(&format!("listening on {address}"), error))?;
    let address = listener.local_addr().map_err(|error| failed("listening", error))?;
    Ok((listener, address))
}

/// Checks the settings that can be checked without side effects. Returns the decoded key.
fn check(settings: &Settings) -> Result<Vec<u8>, StartError> {
    if !settings.listen.ip().is_loopback() {
        return Err(StartError::NotLoopback(settings.listen));
    }
    check_pools(&settings.pools)?;
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

fn images(settings: &Settings) -> Result<Images, StartError> {
    let read = |(name, path): (&String, &PathBuf)| match Image::read(path) {
        Ok(image) => Ok((name.clone(), image)),
        Err(reason) => Err(StartError::Image { name: name.clone(), path: path.clone(), reason }),
    };
    Ok(Images::new(settings.images.iter().map(read).collect::<Result<_, _>>()?))
}

/// The storage client of the nodes.
fn storage(
    settings: &Settings,
    directory: Option<Arc<Directory>>,
    faults: &Faults,
) -> Result<Storage, StartError> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        // Requests are not retried, so a pooled connection that the account closes would fail the
        // task.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| {
            failed("creating the HTTP client of the nodes", io::Error::other(error))
        })?;
    let linked = settings.auto_storage.clone();
    Ok(Storage { http, linked, directory, faults: Arc::clone(&faults.nodes) })
}

fn service(
    settings: &Settings,
    images: Images,
    address: SocketAddr,
    root: PathBuf,
    storage: Storage,
) -> Result<Arc<Service>, StartError> {
    let context = NodeContext {
        root,
        isolation: settings.isolation,
        images: Arc::new(images),
        account: settings.account.clone(),
        account_url: format!("http://{address}"),
        faults: Arc::clone(&storage.faults),
        storage,
        command_line: settings.command_line,
        blob_prefix: settings.blob_prefix,
        wildcard_base: settings.wildcard_base,
        ended_exit_code: settings.ended_exit_code,
    };
    Service::new(context, settings)
        .map_err(|error| failed("creating the nodes' directories", error))
}

/// Returns the nodes' root directory as a canonical path: `Tree` compares paths with it.
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

/// A temporary root directory of the nodes, removed when dropped, whatever tasks left in it.
struct TemporaryRoot(TempDir);

impl Drop for TemporaryRoot {
    fn drop(&mut self) {
        // `TempDir` tries again to remove what could not be removed here.
        Tree::open(self.0.path(), Path::new(".")).and_then(|tree| tree.empty()).ok();
    }
}

fn failed(what: &str, error: io::Error) -> StartError {
    StartError::Io { what: what.to_owned(), error }
}
