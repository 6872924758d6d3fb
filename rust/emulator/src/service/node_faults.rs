//! Failures of nodes and allocations.

use std::sync::Arc;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Service;
use super::assignments::Assignment;
use crate::error::{ApiError, Code, Result};
use crate::node::faults::{NodeAction, NodeEvent, NodeFailure};
use crate::settings::{NodeError, ResizeError};
use crate::store::node::NodeState;
use crate::store::task::StopReason;

impl Service {
    /// Applies a fault to the node that begins to run a task, if one fires.
    pub(super) fn apply_run_fault(self: &Arc<Self>, assignment: &Assignment) {
        let fault = self.context.faults.fire(NodeAction::RunTask).map(|fault| fault.failure);
        let Some(NodeFailure::RunTask(event, after)) = fault else { return };
        let service = Arc::clone(self);
        let (pool, node) = (assignment.pool.clone(), assignment.node.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(after) => {}
                () = service.closing.cancelled() => return,
            }
            if let Err(error) = service.apply_node_event(&pool, &node, event).await {
                eprintln!("the injected fault {event} could not be applied: {error}");
            }
        });
    }

    /// Lets an event happen to a node.
    ///
    /// # Errors
    /// Those of the event.
    pub(crate) async fn apply_node_event(
        self: &Arc<Self>,
        pool: &str,
        node: &str,
        event: NodeEvent,
    ) -> Result<()> {
        match event {
            NodeEvent::Lost => self.lose_node(pool, node),
            NodeEvent::Preempted => self.preempt_node(pool, node),
            NodeEvent::Unusable => {
                let error = NodeError::new("NodeUnusable", "An injected fault");
                self.make_node_unusable(pool, node, vec![error])
            }
            NodeEvent::Recovered => self.recover_node(pool, node).await,
        }
    }

    /// Simulates the loss of contact with a node: its tasks become active again. It leaves the pool
    /// after a moment, and is replaced if allocations succeed.
    pub(crate) fn lose_node(self: &Arc<Self>, pool: &str, id: &str) -> Result<()> {
        let runs = self.fail_node(pool, id, NodeState::Unknown)?;
        let (service, pool, id) = (Arc::clone(self), pool.to_owned(), id.to_owned());
        tokio::spawn(async move {
            service.wait_for_runs(runs).await;
            service.remove_node(&pool, &id);
            service.allocate_nodes(&pool);
        });
        Ok(())
    }

    /// Preempts a low-priority node: its tasks become active again and its files are gone. It still
    /// counts as a node of the pool.
    ///
    /// # Errors
    /// `OperationNotValidOnNode` for a dedicated node.
    pub(crate) fn preempt_node(self: &Arc<Self>, pool: &str, id: &str) -> Result<()> {
        if self.pool_node(pool, id)?.node.is_dedicated {
            return Err(ApiError::from(Code::OperationNotValidOnNode)
                .with("NodeId", id)
                .with("Reason", "only low-priority nodes are preempted"));
        }
        self.fail_node(pool, id, NodeState::Preempted)?;
        Ok(())
    }

    /// Makes a node unusable with these errors; its tasks become active again.
    pub(crate) fn make_node_unusable(
        self: &Arc<Self>,
        pool: &str,
        id: &str,
        errors: Vec<NodeError>,
    ) -> Result<()> {
        self.fail_node(pool, id, NodeState::Unusable)?;
        self.store().node_mut(pool, id)?.errors = errors;
        Ok(())
    }

    /// Restarts a preempted or unusable node as a new machine without files.
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
        for ended in runs.iter().map(|run| &run.ended) {
            ended.cancelled().await;
        }
        self.wipe_node(id)?;
        self.boot(pool, id);
        Ok(())
    }

    /// Makes further allocations of a pool fail with this error; with `None`, they succeed and
    /// missing nodes are allocated.
    pub(crate) fn fail_allocations(
        self: &Arc<Self>,
        pool: &str,
        failure: Option<ResizeError>,
    ) -> Result<()> {
        self.store().pool(pool)?;
        if let Some(pool) = self.store().pool_mut(pool) {
            pool.allocation_failure = failure;
        }
        self.allocate_nodes(pool);
        Ok(())
    }

    fn fail_node(&self, pool: &str, id: &str, state: NodeState) -> Result<Vec<CancellationToken>> {
        self.store().stop_node(pool, id, state, Some(StopReason::NodeLost))
    }
}
