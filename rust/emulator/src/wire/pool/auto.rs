//! The pools that the service creates for jobs.

use crate::wire::enumeration::enumeration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::spec::PoolSpec;

/// `autoPoolSpecification`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AutoPool {
    pub(crate) auto_pool_id_prefix: Option<String>,
    pub(crate) pool_lifetime_option: PoolLifetime,
    /// Whether the pool stays when its lifetime is over.
    #[serde(default)]
    pub(crate) keep_alive: bool,
    pub(crate) pool: Box<PoolSpec>,
}

/// How long a pool that the service created exists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolLifetime {
    /// Until the job schedule is completed; not allowed in a job.
    JobSchedule,
    /// Until the job is completed.
    Job,
}

enumeration!(PoolLifetime {
    JobSchedule = "jobschedule",
    Job = "job",
});

impl AutoPool {
    /// Returns a new id for a pool.
    pub(crate) fn new_id(&self) -> String {
        let unique = Uuid::new_v4().to_string().to_uppercase();
        match &self.auto_pool_id_prefix {
            Some(prefix) => format!("{prefix}_{unique}"),
            None => unique,
        }
    }

    /// Returns whether the other one differs from it at most in `keepAlive`.
    pub(crate) fn is_same_pool(&self, other: &AutoPool) -> bool {
        let kept = AutoPool { keep_alive: self.keep_alive, ..other.clone() };
        serde_json::to_value(self).ok() == serde_json::to_value(kept).ok()
    }
}
