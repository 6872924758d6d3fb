//! The rules of the service: what is allowed when, and what follows from it.

pub(crate) mod conditions;
pub(crate) mod files;
mod jobs;
mod limits;
mod scheduling;
mod tasks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::node::Node;
use crate::settings::{Logs, Settings};
use crate::store::pool::Pool;
use crate::store::stamp::Stamp;
use crate::store::task::StopReason;
use crate::store::{Store, key};

pub(crate) use limits::is_id;

/// How long a job that nothing holds back still shows that it is terminating or being deleted.
/// The service takes seconds to minutes; a client must never count on seeing the end at once.
const SETTLE: Duration = Duration::from_millis(200);

/// The account: its state and its nodes.
pub(crate) struct Service {
    store: Mutex<Store>,
    /// The node of each pool, by the pool's key.
    nodes: BTreeMap<String, Node>,
    /// Cancelled when the emulator ends: nothing is scheduled any more.
    closing: CancellationToken,
    logs: Logs,
    /// How long a state stays at least before the next one follows by itself.
    state_delay: Duration,
}

impl Service {
    /// The account with one pool per node.
    pub(crate) fn new(nodes: Vec<Node>, images: &[String], settings: &Settings) -> Arc<Service> {
        let pools = nodes.iter().map(|node| (key(&node.pool.id), pool_of(node, images)));
        let store = Store::new(pools.collect());
        Arc::new(Service {
            store: Mutex::new(store),
            nodes: nodes.into_iter().map(|node| (key(&node.pool.id), node)).collect(),
            closing: CancellationToken::new(),
            logs: settings.logs,
            state_delay: settings.state_delay,
        })
    }

    /// [Get Pool](https://learn.microsoft.com/rest/api/batchservice/pools/get-pool)
    pub(crate) fn pool(&self, id: &str) -> Result<Pool> {
        self.store().pool(id).cloned()
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
        self.nodes.values().for_each(Node::kill_all);
    }

    /// Goes on once the state that was just entered has lasted long enough.
    fn after_delay(self: &Arc<Self>, next: impl FnOnce(&Arc<Self>) + Send + 'static) {
        if self.state_delay.is_zero() {
            return next(self);
        }
        let service = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(service.state_delay) => next(&service),
                () = service.closing.cancelled() => {}
            }
        });
    }

    fn stop_all(&self) -> Vec<CancellationToken> {
        self.closing.cancel();
        let store = self.store();
        let tasks = store.jobs.values().flat_map(|entry| entry.tasks.values());
        tasks
            .filter_map(|task| task.run.as_ref())
            .map(|run| run.ask(StopReason::Discarded))
            .collect()
    }

    /// A panic while the lock was held cannot leave half a change that matters more than going on.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pool_of(node: &Node, images: &[String]) -> Pool {
    Pool {
        id: node.pool.id.clone(),
        created: OffsetDateTime::now_utc(),
        stamp: Stamp::new(),
        images: node.pool.containers.then(|| images.to_vec()),
        slots_per_node: node.pool.slots,
        free_slots: node.pool.slots,
    }
}
