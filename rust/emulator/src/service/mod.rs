//! The rules of the service: what is allowed when, and what follows from it.

mod booting;
pub(crate) mod conditions;
mod counts;
pub(crate) mod files;
mod jobs;
mod limits;
mod node_faults;
mod node_operations;
mod node_tasks;
pub(crate) mod nodes;
mod placing;
mod resizing;
mod scheduling;
mod tasks;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::node::{Node, Site};
use crate::settings::{Logs, RequeueCount, Settings, StateDelays};
use crate::store::job::JobEntry;
use crate::store::pool::Pool;
use crate::store::task::StopReason;
use crate::store::{Store, key};

pub(crate) use limits::is_id;

/// How long a job that nothing holds back still shows that it is terminating or being deleted.
/// The service takes seconds to minutes; a client must never count on seeing the end at once.
const SETTLE: Duration = Duration::from_millis(200);

/// The account: its state and its nodes.
pub(crate) struct Service {
    store: Mutex<Store>,
    /// What runs the tasks of each node, by the node's id.
    nodes: Mutex<BTreeMap<String, Arc<Node>>>,
    site: Site,
    /// Cancelled when the emulator ends: nothing is scheduled any more.
    closing: CancellationToken,
    logs: Logs,
    requeue_count: RequeueCount,
    /// How long a state stays at least before the next one follows by itself.
    state_delay: StateDelays,
    /// The active jobs that the account may have at once.
    job_quota: usize,
    /// How long the id of a job that is gone cannot be used again.
    deleted_id_delay: Duration,
}

impl Service {
    /// The account with the pools of the settings and their nodes.
    ///
    /// # Errors
    /// When the directories of the nodes cannot be made.
    pub(crate) fn new(site: Site, settings: &Settings) -> io::Result<Arc<Service>> {
        let images = site.images.names();
        let pools =
            settings.pools.iter().map(|one| (key(&one.id), Pool::new(one.clone(), &images)));
        let service = Arc::new(Service {
            store: Mutex::new(Store::new(pools.collect())),
            nodes: Mutex::default(),
            site,
            closing: CancellationToken::new(),
            logs: settings.logs,
            requeue_count: settings.requeue_count,
            state_delay: settings.state_delay,
            job_quota: settings.job_quota,
            deleted_id_delay: settings.deleted_id_delay,
        });
        settings.pools.iter().try_for_each(|pool| service.try_to_fill(&pool.id))?;
        Ok(service)
    }

    /// [Get Pool](https://learn.microsoft.com/rest/api/batchservice/pools/get-pool)
    pub(crate) fn pool(&self, id: &str) -> Result<Pool> {
        self.store().pool(id).cloned()
    }

    /// All pools in the order of their ids.
    pub(crate) fn pools(&self) -> Vec<Pool> {
        self.store().pools.values().cloned().collect()
    }

    /// Ends every run and waits until the last process is gone.
    pub(crate) async fn close(&self) {
        for over in self.stop_all() {
            over.cancelled().await;
        }
    }

    /// Ends every run at once, without waiting.
    pub(crate) fn kill_all(&self) {
        self.stop_all();
        self.all_nodes().values().for_each(|node| node.kill_all());
    }

    /// Goes on once an active job or task has been so for long enough.
    fn after_delay(self: &Arc<Self>, next: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let delay = self.state_delay.active;
        if delay.is_zero() {
            return next(self);
        }
        let service = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(delay) => next(&service),
                () = service.closing.cancelled() => {}
            }
        });
    }

    fn stop_all(&self) -> Vec<CancellationToken> {
        self.closing.cancel();
        let store = self.store();
        let nodes = store.pools.values().flat_map(|pool| &pool.nodes);
        let runs = store.jobs.values().flat_map(JobEntry::runs);
        let runs = runs.chain(nodes.filter_map(|node| node.boot.as_ref()));
        runs.map(|run| run.ask(StopReason::Discarded)).collect()
    }

    /// A panic while the lock was held cannot leave half a change that matters more than going on.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
