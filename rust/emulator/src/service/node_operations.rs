//! Operations on nodes.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Service;
use crate::error::{ApiError, Code, Result};
use crate::settings::NodeError;
use crate::store::node::{ComputeNode, NodeState};
use crate::store::task::StopReason;
use crate::wire::pool::NodeDeallocationOption;

/// How a node is restarted.
#[derive(Clone, Copy)]
pub(crate) enum Restart {
    /// Its files stay.
    Reboot,
    /// As a new machine, without files.
    Reimage,
}

impl Restart {
    fn state(self) -> NodeState {
        match self {
            Restart::Reboot => NodeState::Rebooting,
            Restart::Reimage => NodeState::Reimaging,
        }
    }
}

impl Service {
    /// Starts to reboot or reimage a node that is idle or running.
    pub(crate) fn restart_node(
        self: &Arc<Self>,
        pool: &str,
        id: &str,
        restart: Restart,
        tasks: NodeDeallocationOption,
    ) -> Result<()> {
        let runs = {
            let mut store = self.store();
            require_restart(store.pool(pool)?.node(id)?)?;
            store.stop_node(pool, id, restart.state(), stop_reason(tasks))?
        };
        let (pool, id) = (pool.to_owned(), id.to_owned());
        tokio::spawn(Arc::clone(self).finish_restart(pool, id, restart, runs));
        Ok(())
    }

    async fn finish_restart(
        self: Arc<Self>,
        pool: String,
        id: String,
        restart: Restart,
        runs: Vec<CancellationToken>,
    ) {
        self.wait_for_runs(runs).await;
        // It may be lost or leaving the pool by now.
        let is_restarting = |node: &ComputeNode| node.phase.state == restart.state();
        if !self.pool_node(&pool, &id).is_ok_and(|view| is_restarting(&view.node)) {
            return;
        }
        match restart {
            Restart::Reboot => self.boot(&pool, &id),
            Restart::Reimage => match self.wipe_node(&id) {
                Ok(()) => self.boot(&pool, &id),
                Err(error) => {
                    let error = NodeError::new("ReimageFailed", error.to_string());
                    self.make_node_unusable(&pool, &id, vec![error]).ok();
                }
            },
        }
    }

    /// Removes the files of a node, and with them what jobs prepared on it.
    ///
    /// # Errors
    /// When the node's directories cannot be created.
    pub(super) fn wipe_node(&self, id: &str) -> Result<()> {
        if let Some(node) = self.node(id) {
            node.reset().map_err(|error| ApiError::internal("resetting a node", &error))?;
        }
        for entry in self.store().jobs.values_mut() {
            entry.node_tasks.remove(id);
        }
        Ok(())
    }

    /// Disables scheduling on a node: it gets no more tasks. Once it has none, it is offline.
    pub(crate) fn disable_scheduling(
        &self,
        pool: &str,
        id: &str,
        tasks: NodeDeallocationOption,
    ) -> Result<()> {
        let mut store = self.store();
        store.node_mut(pool, id)?.set_scheduling(false)?;
        let node = store.pool(pool)?.node(id)?;
        if let Some(reason) = stop_reason(tasks) {
            store.runs_of(node).iter().for_each(|run| drop(run.request_stop(reason)));
        }
        Ok(())
    }

    /// Enables scheduling on a node.
    pub(crate) fn enable_scheduling(self: &Arc<Self>, pool: &str, id: &str) -> Result<()> {
        self.store().node_mut(pool, id)?.set_scheduling(true)?;
        self.schedule();
        Ok(())
    }
}

/// Returns the reason for which running tasks are stopped; `None` if they are not.
pub(super) fn stop_reason(tasks: NodeDeallocationOption) -> Option<StopReason> {
    match tasks {
        NodeDeallocationOption::Requeue => Some(StopReason::Requeue),
        NodeDeallocationOption::Terminate => Some(StopReason::UserRequest),
        NodeDeallocationOption::TaskCompletion => None,
    }
}

fn require_restart(node: &ComputeNode) -> Result<()> {
    let code = match node.phase.state {
        NodeState::Idle | NodeState::Running => return Ok(()),
        NodeState::Creating => Code::NodeBeingCreated,
        NodeState::Starting | NodeState::WaitingForStartTask => Code::NodeBeingStarted,
        NodeState::Rebooting => Code::NodeBeingRebooted,
        NodeState::Reimaging => Code::NodeBeingReimaged,
        NodeState::Unusable => Code::NodeStateUnusable,
        NodeState::StartTaskFailed
        | NodeState::Offline
        | NodeState::LeavingPool
        | NodeState::Unknown
        | NodeState::Preempted => Code::OperationNotValidOnNode,
    };
    Err(ApiError::from(code).with("NodeId", &*node.id))
}
