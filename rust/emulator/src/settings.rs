//! The settings of an emulator.

mod choices;
mod delays;
mod entra;
mod failure;
mod json;
mod pool;
mod start_task;
mod storage;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::faults::Fault;
use crate::node::sandbox;
pub use choices::{
    BlobPrefix, Consistency, EndedExitCode, Logs, RequeueCount, Splitting, WildcardBase,
};
pub use delays::StateDelays;
pub use entra::{AuthenticationMode, EntraSettings, Principal, Proof, Role};
pub use failure::{NodeError, ResizeError};
pub use pool::PoolSettings;
pub(crate) use pool::{MAX_NODES, MAX_SLOTS, MAX_USER_NAME};
pub use start_task::StartTask;
pub use storage::LinkedStorage;

/// The settings of an emulator.
#[derive(Clone)]
pub struct Settings {
    /// The loopback address to listen on. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// The name of the Batch account.
    pub account: String,
    /// The account's key in base64.
    pub key: String,
    /// How clients may authenticate (`allowedAuthenticationModes`).
    pub authentication_modes: Vec<AuthenticationMode>,
    /// The tenant of Microsoft Entra ID whose tokens the account accepts, and its issuer. Without it
    /// no token of Entra is accepted.
    pub entra: Option<EntraSettings>,
    /// The pools of the account.
    pub pools: Vec<PoolSettings>,
    /// The storage account that is linked to the Batch account.
    pub auto_storage: Option<LinkedStorage>,
    /// Container images by name. A directory with `bin/sh` becomes the task's root file system; any
    /// other is mounted at `/opt/image`, with its `bin` first in `PATH`. A file `entrypoint.json` in it
    /// (a JSON array) is the image's ENTRYPOINT.
    pub images: BTreeMap<String, PathBuf>,
    /// How tasks are isolated from this machine's files.
    pub isolation: Isolation,
    /// The file to which one JSON line per request is written.
    pub request_log: Option<PathBuf>,
    /// The directory of the nodes' files. The default is a temporary directory, removed with the
    /// emulator.
    pub node_root: Option<PathBuf>,
    /// When a task's output can be read.
    pub logs: Logs,
    /// The syntax of command lines.
    pub command_line: Splitting,
    /// How the blobPrefix of resource files is treated.
    pub blob_prefix: BlobPrefix,
    /// Where the path begins that an output file with a wildcard keeps.
    pub wildcard_base: WildcardBase,
    /// Whether a task that is ended while its command runs has an exit code.
    pub ended_exit_code: EndedExitCode,
    /// Which requeues of a task its requeueCount counts.
    pub requeue_count: RequeueCount,
    /// The minimum time in each state before jobs and tasks change state by themselves.
    pub state_delay: StateDelays,
    /// When reads see what was written.
    pub consistency: Consistency,
    /// How many requests per second the account answers; others get 429. `None` for any number.
    pub rate_limit: Option<NonZeroU32>,
    /// The faults at the start.
    pub faults: Vec<Fault>,
    /// How many minutes the service's clock is ahead of this machine's. It is used to check the
    /// dates of requests and to date responses.
    pub clock_offset: i32,
    /// The quota of active jobs and job schedules of the account.
    pub job_quota: usize,
    /// How late the statistics of tasks, jobs and job schedules are; on Azure about 30 minutes.
    pub stats_delay: Duration,
    /// The shortest recurrenceInterval and startWindow of a job schedule.
    pub schedule_minimum: Duration,
    /// How long the id of a job cannot be reused after the job is deleted.
    pub deleted_id_delay: Duration,
    /// How many times faster than on Azure pools are sampled and formulas of automatic scaling
    /// evaluated. A formula's spans of time shrink with it.
    pub autoscale_speed: u32,
    /// How long a client may be silent before its connection is closed.
    pub client_timeout: Duration,
}

impl Settings {
    /// The default quota of active jobs; Azure's is 100 to 300.
    pub const JOB_QUOTA: usize = 300;
    /// The default of the shortest recurrenceInterval and startWindow: Azure's.
    pub const SCHEDULE_MINIMUM: Duration = Duration::from_secs(60);
    /// The default time for which the id of a deleted job cannot be reused; on Azure it is about a
    /// second.
    pub const DELETED_ID_DELAY: Duration = Duration::from_secs(1);
    /// The default client timeout: that of Windows' HTTP server, on which the service runs.
    pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(120);
}

/// How tasks are isolated from this machine's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// In a sandbox (bubblewrap) with its own file system, process tree and host name.
    Bubblewrap,
    /// As a plain process that sees this machine's files.
    None,
}

impl Isolation {
    /// Returns bubblewrap if it is installed and works here, otherwise none.
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
            authentication_modes: AuthenticationMode::ALL.into(),
            entra: None,
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
            ended_exit_code: EndedExitCode::default(),
            requeue_count: RequeueCount::default(),
            state_delay: StateDelays::default(),
            consistency: Consistency::default(),
            rate_limit: None,
            faults: Vec::new(),
            clock_offset: 0,
            job_quota: Self::JOB_QUOTA,
            stats_delay: Duration::ZERO,
            schedule_minimum: Self::SCHEDULE_MINIMUM,
            deleted_id_delay: Self::DELETED_ID_DELAY,
            autoscale_speed: 1,
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
            .field("authentication_modes", &self.authentication_modes)
            .field("entra", &self.entra)
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
            .field("ended_exit_code", &self.ended_exit_code)
            .field("requeue_count", &self.requeue_count)
            .field("state_delay", &self.state_delay)
            .field("consistency", &self.consistency)
            .field("rate_limit", &self.rate_limit)
            .field("faults", &self.faults)
            .field("clock_offset", &self.clock_offset)
            .field("job_quota", &self.job_quota)
            .field("stats_delay", &self.stats_delay)
            .field("schedule_minimum", &self.schedule_minimum)
            .field("autoscale_speed", &self.autoscale_speed)
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
