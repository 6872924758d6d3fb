//! Resizing pools.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Service;
use super::conditions::Conditions;
use super::limits::check_resize_timeout;
use super::node_operations::stop_reason;
use crate::error::{ApiError, Code, Result};
use crate::settings::ResizeError;
use crate::store::Store;
use crate::store::node::NodeState;
use crate::store::pool::{AllocationState, Pool, Target};
use crate::store::resource::ResourceVersion;
use crate::store::task::StopReason;
use crate::wire::pool::{NodeRemove, PoolResize, RESIZE_TIMEOUT};

/// The most nodes of one Remove Nodes request.
const MAX_REMOVED: usize = 100;

impl Service {
    /// Starts to resize a steady pool. If it shrinks, nodes without tasks are removed first.
    pub(crate) fn resize_pool(
        self: &Arc<Self>,
        id: &str,
        resize: &PoolResize,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        check_resize_timeout(resize.resize_timeout.as_deref())?;
        let (dedicated, low_priority) =
            (resize.target_dedicated_nodes, resize.target_low_priority_nodes);
        if dedicated.is_none() && low_priority.is_none() {
            let reason = "one of targetDedicatedNodes and targetLowPriorityNodes is needed";
            return Err(ApiError::property("targetDedicatedNodes", "", reason));
        }
        let size = |wanted: Option<u32>, now: usize| wanted.map_or(now, |count| count as usize);
        let (stop, timeout) =
            (stop_reason(resize.node_deallocation_option), resize.resize_timeout.as_deref());
        self.begin_resize(id, conditions, stop, timeout, |pool| {
            let target = Target {
                dedicated: size(dedicated, pool.target.dedicated),
                low_priority: size(low_priority, pool.target.low_priority),
            };
            Ok((target, pool.surplus(target)))
        })
    }

    /// Starts to remove nodes from a steady pool. Its target shrinks accordingly.
    pub(crate) fn remove_nodes(
        self: &Arc<Self>,
        id: &str,
        removal: &NodeRemove,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        check_resize_timeout(removal.resize_timeout.as_deref())?;
        let count = removal.node_list.len();
        if !(1..=MAX_REMOVED).contains(&count) {
            let reason = "1 to 100 nodes can be removed at once";
            return Err(ApiError::property("nodeList", &count.to_string(), reason));
        }
        let (stop, timeout) =
            (stop_reason(removal.node_deallocation_option), removal.resize_timeout.as_deref());
        self.begin_resize(id, conditions, stop, timeout, |pool| {
            let nodes: Vec<_> =
                removal.node_list.iter().map(|id| pool.node(id)).collect::<Result<_>>()?;
            let fewer = |now: usize, dedicated| {
                let leaving = nodes.iter().filter(|node| node.is_dedicated == dedicated).count();
                now.saturating_sub(leaving)
            };
            let target = Target {
                dedicated: fewer(pool.target.dedicated, true),
                low_priority: fewer(pool.target.low_priority, false),
            };
            Ok((target, nodes.iter().map(|node| node.id.clone()).collect()))
        })
    }

    /// Stops the allocation of more nodes; nodes that are leaving still do.
    pub(crate) fn stop_resize(&self, id: &str, conditions: &Conditions) -> Result<ResourceVersion> {
        let mut store = self.store();
        let pool = store.pool(id)?;
        conditions.check_write(&pool.version)?;
        pool.require_active()?;
        match store.pool_mut(id) {
            Some(pool) if pool.allocation.state == AllocationState::Resizing => {
                pool.allocation.enter(AllocationState::Stopping);
                Ok(pool.version.clone())
            }
            _ => Err(ApiError::from(Code::OperationInvalidForCurrentState)
                .with("PoolId", id)
                .with("Reason", "the pool is not resizing")),
        }
    }

    /// Sets the pool's target and starts to remove nodes, both of which `plan` returns.
    fn begin_resize(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
        stop: Option<StopReason>,
        timeout: Option<&str>,
        plan: impl FnOnce(&Pool) -> Result<(Target, Vec<String>)>,
    ) -> Result<ResourceVersion> {
        let mut store = self.store();
        let pool = store.pool(id)?;
        conditions.check_write(&pool.version)?;
        pool.require_active()?;
        pool.require_scaling(false)?;
        pool.require_steady()?;
        let (target, leaving) = plan(pool)?;
        if let Some(pool) = store.pool_mut(id) {
            pool.spec.resize_timeout = timeout.unwrap_or(RESIZE_TIMEOUT).to_owned();
        }
        self.resize(&mut store, id, target, leaving, stop)?;
        Ok(store.pool(id)?.version.clone())
    }

    /// Sets the target of a steady pool, and starts to remove these nodes.
    pub(super) fn resize(
        self: &Arc<Self>,
        store: &mut Store,
        id: &str,
        target: Target,
        leaving: Vec<String>,
        stop: Option<StopReason>,
    ) -> Result<()> {
        let pool = store.pool_mut(id).ok_or(Code::PoolNotFound)?;
        let number = pool.number;
        pool.target = target;
        pool.resize_errors.clear();
        pool.version = ResourceVersion::new();
        pool.allocation.enter(AllocationState::Resizing);
        let runs = stop_nodes(store, id, &leaving, stop)?;
        tokio::spawn(Arc::clone(self).finish_resize(id.to_owned(), number, leaving, runs));
        Ok(())
    }

    pub(super) async fn finish_resize(
        self: Arc<Self>,
        id: String,
        number: u64,
        leaving: Vec<String>,
        runs: Vec<CancellationToken>,
    ) {
        self.wait_for_runs(runs).await;
        leaving.iter().for_each(|node| self.remove_node(&id, node));
        let Some(stopped) = self.is_resize_stopped(&id, number) else { return };
        if !stopped {
            self.allocate_nodes(&id);
        }
        // Only now: a pool that is steady has its nodes.
        if let Some(pool) = self.store().active_pool_mut(&id, number) {
            pool.allocation.enter(AllocationState::Steady);
        }
    }

    /// Returns whether a resize was stopped, and records it. `None` if the pool is gone or going.
    fn is_resize_stopped(&self, id: &str, number: u64) -> Option<bool> {
        let mut store = self.store();
        let pool = store.active_pool_mut(id, number)?;
        let stopped = pool.allocation.state == AllocationState::Stopping;
        if stopped && !pool.missing().is_empty() {
            let message = "The nodes could not be allocated because the resize was stopped";
            pool.resize_errors = vec![ResizeError::new("ResizeStopped", message)];
        }
        Some(stopped)
    }
}

fn stop_nodes(
    store: &mut Store,
    pool: &str,
    nodes: &[String],
    stop: Option<StopReason>,
) -> Result<Vec<CancellationToken>> {
    let runs = nodes.iter().map(|node| store.stop_node(pool, node, NodeState::LeavingPool, stop));
    Ok(runs.collect::<Result<Vec<_>>>()?.concat())
}
