//! What an emulator is started with.

mod choices;
mod delays;
mod failure;
mod pool;
mod shown;
mod start_task;
mod storage;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::faults::Fault;
use crate::node::sandbox;
pub use choices::{BlobPrefix, Logs, RequeueCount, Splitting, WildcardBase};
pub use delays::StateDelays;
pub use failure::{NodeError, ResizeError};
pub(crate) use pool::MOST_NODES;
pub use pool::PoolSettings;
pub use start_task::StartTask;
pub use storage::LinkedStorage;

/// What an emulator serves and how it runs tasks.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen; a loopback address. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// The name of the Batch account.
    pub account: String,
    /// The account's key, base64.
    pub key: String,
    /// The pools of the account.
    pub pools: Vec<PoolSettings>,
    /// The storage account that is linked to the Batch account, if there is one.
    pub auto_storage: Option<LinkedStorage>,
    /// Container images by name. A directory with `bin/sh` is the task's root file system; any
    /// other is bound at `/opt/image`, its `bin` leading `PATH`.
    pub images: BTreeMap<String, PathBuf>,
    /// How a task is kept away from this machine's files.
    pub isolation: Isolation,
    /// Where to write one JSON line per request.
    pub request_log: Option<PathBuf>,
    /// Where the nodes keep their files. Without one, a temporary directory that ends with the
    /// emulator.
    pub node_root: Option<PathBuf>,
    /// When a task's output can be read.
    pub logs: Logs,
    /// By whose rules command lines are split.
    pub command_line: Splitting,
    /// What becomes of the blobPrefix of resource files.
    pub blob_prefix: BlobPrefix,
    /// Where the sub-path begins that a wildcard output keeps.
    pub wildcard_base: WildcardBase,
    /// Which of a task's new runs its requeueCount counts.
    pub requeue_count: RequeueCount,
    /// How long jobs and tasks stay at least in each state before they move on by themselves.
    pub state_delay: StateDelays,
    /// What is to fail from the beginning.
    pub faults: Vec<Fault>,
    /// How many minutes the clock of the answers is ahead of this machine's. Requests are dated,
    /// and refused for their date, by it.
    pub clock_offset: i32,
    /// The active jobs that the account may have at once.
    pub job_quota: usize,
    /// How long the id of a deleted job, of which nothing is there any more, cannot be used again.
    pub deleted_id_delay: Duration,
    /// How long a client may be silent before its connection is closed.
    pub client_timeout: Duration,
}

impl Settings {
    /// The active jobs of an account; accounts have 100 to 300 by default.
    pub const JOB_QUOTA: usize = 300;
    /// How long the id of a deleted job stays taken; the service frees it after a second or so.
    pub const DELETED_ID_DELAY: Duration = Duration::from_secs(1);
    /// How long Windows' HTTP server, which the service runs on, bears a silent client by default.
    pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(120);
}

/// How a task is kept away from this machine's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// In a file system, process tree and host name of its own, by bubblewrap.
    Bubblewrap,
    /// As a plain process that sees this machine's files.
    None,
}

impl Isolation {
    /// Bubblewrap where it is installed and able to run here, otherwise none.
    pub fn detect() -> Isolation {
        if sandbox::works() { Isolation::Bubblewrap } else { Isolation::None }
    }
}

impl Default for Settings {
    /// Account `emulator` on any free loopback port, with a key, without pools and images.
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            account: "emulator".to_owned(),
            key: "ZW11bGF0b3Iga2V5LCBub3QgYSBzZWNyZXQ=".to_owned(),
            pools: Vec::new(),
            auto_storage: None,
            images: BTreeMap::new(),
            isolation: Isolation::detect(),
            request_log: None,
            node_root: None,
            logs: Logs::default(),
            command_line: Splitting::default(),
            blob_prefix: BlobPrefix::default(),
            wildcard_base: WildcardBase::default(),
            requeue_count: RequeueCount::default(),
            state_delay: StateDelays::default(),
            faults: Vec::new(),
            clock_offset: 0,
            job_quota: Self::JOB_QUOTA,
            deleted_id_delay: Self::DELETED_ID_DELAY,
            client_timeout: Self::CLIENT_TIMEOUT,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("listen", &self.listen)
            .field("account", &self.account)
            .field("key", &"<redacted>")
            .field("pools", &self.pools)
            .field("auto_storage", &self.auto_storage)
            .field("images", &self.images)
            .field("isolation", &self.isolation)
            .field("request_log", &self.request_log)
            .field("node_root", &self.node_root)
            .field("logs", &self.logs)
            .field("command_line", &self.command_line)
            .field("blob_prefix", &self.blob_prefix)
            .field("wildcard_base", &self.wildcard_base)
            .field("requeue_count", &self.requeue_count)
            .field("state_delay", &self.state_delay)
            .field("faults", &self.faults)
            .field("clock_offset", &self.clock_offset)
            .field("job_quota", &self.job_quota)
            .field("deleted_id_delay", &self.deleted_id_delay)
            .field("client_timeout", &self.client_timeout)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_key() {
        let settings = Settings { key: "c2VjcmV0".into(), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("c2VjcmV0"));
    }
}
