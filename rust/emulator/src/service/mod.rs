//! The rules of the service: which operations are allowed, and their effects.

mod assignments;
mod auto_pools;
mod autoscale;
mod booting;
pub(crate) mod conditions;
mod consistency;
mod counts;
pub(crate) mod files;
mod jobs;
mod limits;
mod node_faults;
pub(crate) mod node_operations;
mod node_tasks;
pub(crate) mod nodes;
mod pools;
mod resizing;
pub(crate) mod schedules;
mod scheduling;
pub(crate) mod statistics;
mod tasks;
mod usage;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::node::{Node, NodeContext};
use crate::settings::{Consistency, Logs, RequeueCount, Settings, StateDelays};
use crate::store::Store;
use crate::store::job::JobEntry;
use crate::store::pool::Pool;
use crate::store::task::StopReason;

pub(crate) use limits::is_id;

/// The minimum time that a job shows that it is terminating, being deleted, disabled or enabled. On
/// Azure it takes seconds to minutes; clients must not rely on an immediate change.
const MIN_TRANSITION: Duration = Duration::from_millis(200);

/// The account: its state and its nodes.
pub(crate) struct Service {
    store: Mutex<Store>,
    /// The nodes that run tasks, by id.
    nodes: Mutex<BTreeMap<String, Arc<Node>>>,
    context: NodeContext,
    /// Cancelled when the emulator stops: nothing is scheduled any more.
    closing: CancellationToken,
    consistency: Consistency,
    logs: Logs,
    requeue_count: RequeueCount,
    /// The minimum time in a state before the next one follows by itself.
    state_delay: StateDelays,
    /// The quota of active jobs and job schedules.
    job_quota: usize,
    /// How late statistics are.
    stats_delay: Duration,
    /// The shortest interval and window of a job schedule.
    schedule_minimum: Duration,
    /// How long the id of a deleted job cannot be reused.
    deleted_id_delay: Duration,
    /// How many times faster the clock of automatic scaling is.
    autoscale_speed: u32,
}

impl Service {
    /// Creates the account with its pools and their nodes.
    ///
    /// # Errors
    /// When the directories of the nodes cannot be created.
    pub(crate) fn new(context: NodeContext, settings: &Settings) -> io::Result<Arc<Service>> {
        let mut store = Store::default();
        for pool in &settings.pools {
            let number = store.next_number();
            store.insert_pool(Pool::from_settings(pool, context.images.names(), number));
        }
        let service = Arc::new(Service {
            store: Mutex::new(store),
            nodes: Mutex::default(),
            context,
            closing: CancellationToken::new(),
            consistency: settings.consistency,
            logs: settings.logs,
            requeue_count: settings.requeue_count,
            state_delay: settings.state_delay,
            job_quota: settings.job_quota,
            stats_delay: settings.stats_delay,
            schedule_minimum: settings.schedule_minimum,
            deleted_id_delay: settings.deleted_id_delay,
            autoscale_speed: settings.autoscale_speed.max(1),
        });
        settings.pools.iter().try_for_each(|pool| service.try_allocate_nodes(&pool.id))?;
        tokio::spawn(Arc::clone(&service).scale_pools());
        Ok(service)
    }

    /// Returns whether a token of a running task is for this job.
    pub(crate) fn token_allows(&self, token: &str, job: &str) -> bool {
        self.store().allows(token, job)
    }

    /// Stops every run and waits until all processes have ended.
    pub(crate) async fn close(&self) {
        for ended in self.stop_all() {
            ended.cancelled().await;
        }
    }

    /// Stops every run without waiting.
    pub(crate) fn kill_all(&self) {
        self.stop_all();
        self.all_nodes().values().for_each(|node| node.kill_all());
    }

    /// Calls a function after the minimum time of the active state.
    fn after_delay(self: &Arc<Self>, next: impl FnOnce(&Arc<Self>) + Send + 'static) {
        self.after(self.state_delay.active, next);
    }

    /// Calls a function after a delay.
    fn after(self: &Arc<Self>, delay: Duration, next: impl FnOnce(&Arc<Self>) + Send + 'static) {
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
        runs.map(|run| run.request_stop(StopReason::Discarded)).collect()
    }

    /// The store is still usable after a panic: a partial change matters less than going on.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
