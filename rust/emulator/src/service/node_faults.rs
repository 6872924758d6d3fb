//! What can happen to nodes and pools that nobody asked the service for.

use std::sync::Arc;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Service;
use super::placing::Placing;
use crate::error::{ApiError, Code, Result};
use crate::node::faults::{Deed, NodeEvent, NodeFailure};
use crate::settings::{NodeError, ResizeError};
use crate::store::node::NodeState;
use crate::store::task::StopReason;

impl Service {
    /// Lets happen to a node what was asked for when it begins to run a task.
    pub(super) fn meet_fault(self: &Arc<Self>, placing: &Placing) {
        let fault = self.site.faults.strike(Deed::RunTask).map(|fault| fault.what);
        let Some(NodeFailure::RunTask(event, after)) = fault else { return };
        let service = Arc::clone(self);
        let (pool, node) = (placing.pool.clone(), placing.node.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(after) => {}
                () = service.closing.cancelled() => return,
            }
            if let Err(error) = service.happen(&pool, &node, event).await {
                eprintln!("a fault that was asked for, {event}, did not happen: {error}");
            }
        });
    }

    /// Something happens to a node.
    ///
    /// # Errors
    /// As of each.
    pub(crate) async fn happen(
        self: &Arc<Self>,
        pool: &str,
        node: &str,
        event: NodeEvent,
    ) -> Result<()> {
        match event {
            NodeEvent::Lost => self.lose_node(pool, node),
            NodeEvent::Preempted => self.preempt_node(pool, node),
            NodeEvent::Unusable => {
                let error = NodeError::new("NodeUnusable", "A fault that was asked for");
                self.make_node_unusable(pool, node, vec![error])
            }
            NodeEvent::Recovered => self.recover_node(pool, node).await,
        }
    }

    /// The service loses contact with a node: its tasks are active again, it leaves the pool after
    /// a while, and another one takes its place if there is one to be had.
    pub(crate) fn lose_node(self: &Arc<Self>, pool: &str, id: &str) -> Result<()> {
        let runs = self.break_down(pool, id, NodeState::Unknown)?;
        let (service, pool, id) = (Arc::clone(self), pool.to_owned(), id.to_owned());
        tokio::spawn(async move {
            service.settle(runs).await;
            service.remove_node(&pool, &id);
            service.fill(&pool);
        });
        Ok(())
    }

    /// Azure takes a low-priority node back: its tasks are active again and its files gone. It
    /// still counts as a node of the pool.
    ///
    /// # Errors
    /// `OperationNotValidOnNode` for a dedicated node.
    pub(crate) fn preempt_node(self: &Arc<Self>, pool: &str, id: &str) -> Result<()> {
        if self.pool_node(pool, id)?.node.is_dedicated {
            return Err(ApiError::from(Code::OperationNotValidOnNode)
                .with("NodeId", id)
                .with("Reason", "only low-priority nodes are preempted"));
        }
        self.break_down(pool, id, NodeState::Preempted)?;
        Ok(())
    }

    /// A node can run no tasks because of these errors; what it ran is active again.
    pub(crate) fn make_node_unusable(
        self: &Arc<Self>,
        pool: &str,
        id: &str,
        errors: Vec<NodeError>,
    ) -> Result<()> {
        self.break_down(pool, id, NodeState::Unusable)?;
        self.store().node_mut(pool, id)?.errors = errors;
        Ok(())
    }

    /// A node that was preempted or unusable starts again, as a new machine without files.
    ///
    /// # Errors
    /// `OperationNotValidOnNode` for a node in another state.
    pub(crate) async fn recover_node(self: &Arc<Self>, pool: &str, id: &str) -> Result<()> {
        let runs = {
            let store = self.store();
            let node = store.pool(pool)?.node(id)?;
            if !matches!(node.phase.state, NodeState::Preempted | NodeState::Unusable) {
                return Err(ApiError::from(Code::OperationNotValidOnNode)
                    .with("NodeId", id)
                    .with("Reason", "it is neither preempted nor unusable"));
            }
            store.runs_of(node)
        };
        for over in runs.iter().map(|run| &run.over) {
            over.cancelled().await;
        }
        if let Some(node) = self.node(id) {
            node.renew().map_err(|error| ApiError::internal("renewing a node", &error))?;
        }
        self.boot(pool, id);
        Ok(())
    }

    /// From now on a pool gets no nodes, for this reason; without one it gets what it lacks.
    pub(crate) fn fail_allocations(
        self: &Arc<Self>,
        pool: &str,
        failure: Option<ResizeError>,
    ) -> Result<()> {
        self.store().pool(pool)?;
        if let Some(pool) = self.store().pool_mut(pool) {
            pool.allocation_failure = failure;
        }
        self.fill(pool);
        Ok(())
    }

    fn break_down(&self, pool: &str, id: &str, state: NodeState) -> Result<Vec<CancellationToken>> {
        self.store().take_down(pool, id, state, Some(StopReason::NodeLost))
    }
}
