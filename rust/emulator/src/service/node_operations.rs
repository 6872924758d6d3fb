//! Operations on nodes.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Service;
use crate::error::{ApiError, Code, Result};
use crate::store::node::{ComputeNode, NodeState};
use crate::store::task::StopReason;
use crate::wire::pool::NodeDeallocationOption;

impl Service {
    /// Starts to reboot a node that is idle or running. Its files stay.
    pub(crate) fn reboot_node(
        self: &Arc<Self>,
        pool: &str,
        id: &str,
        tasks: NodeDeallocationOption,
    ) -> Result<()> {
        let runs = {
            let mut store = self.store();
            require_reboot(store.pool(pool)?.node(id)?)?;
            store.stop_node(pool, id, NodeState::Rebooting, stop_reason(tasks))?
        };
        tokio::spawn(Arc::clone(self).finish_reboot(pool.to_owned(), id.to_owned(), runs));
        Ok(())
    }

    async fn finish_reboot(
        self: Arc<Self>,
        pool: String,
        id: String,
        runs: Vec<CancellationToken>,
    ) {
        self.wait_for_runs(runs).await;
        // It may be lost or leaving the pool by now.
        let is_rebooting = |node: &ComputeNode| node.phase.state == NodeState::Rebooting;
        if self.pool_node(&pool, &id).is_ok_and(|view| is_rebooting(&view.node)) {
            self.boot(&pool, &id);
        }
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

fn require_reboot(node: &ComputeNode) -> Result<()> {
    let code = match node.phase.state {
        NodeState::Idle | NodeState::Running => return Ok(()),
        NodeState::Creating => Code::NodeBeingCreated,
        NodeState::Starting | NodeState::WaitingForStartTask => Code::NodeBeingStarted,
        NodeState::Rebooting => Code::NodeBeingRebooted,
        NodeState::Unusable => Code::NodeStateUnusable,
        NodeState::StartTaskFailed
        | NodeState::Offline
        | NodeState::LeavingPool
        | NodeState::Unknown
        | NodeState::Preempted => Code::OperationNotValidOnNode,
    };
    Err(ApiError::from(code).with("NodeId", &*node.id))
}
