//! Node failures that a test can cause.

use super::Emulator;
use crate::error::ApiError;
use crate::settings::{NodeError, ResizeError};

/// Why an action on a pool or a node is refused: it does not exist, or its state does not allow the
/// action.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(ApiError);

impl Emulator {
    /// Returns the ids of a pool's nodes in the order of their allocation.
    ///
    /// # Errors
    /// When the pool does not exist.
    pub fn node_ids(&self, pool: &str) -> Result<Vec<String>, Refused> {
        let nodes = self.state.service.pool_nodes(pool).map_err(Refused)?;
        Ok(nodes.into_iter().map(|view| view.node.id).collect())
    }

    /// Simulates the loss of contact with a node. It becomes `unknown` and its tasks become active
    /// again. After a moment it is removed, and replaced unless allocations fail.
    ///
    /// # Errors
    /// When the pool or the node does not exist.
    pub fn lose_node(&self, pool: &str, node: &str) -> Result<(), Refused> {
        self.state.service.lose_node(pool, node).map_err(Refused)
    }

    /// Preempts a low-priority node. It stays `preempted` until it is recovered.
    ///
    /// # Errors
    /// When the pool or the node does not exist, or the node is dedicated.
    pub fn preempt_node(&self, pool: &str, node: &str) -> Result<(), Refused> {
        self.state.service.preempt_node(pool, node).map_err(Refused)
    }

    /// Makes a node `unusable` with these errors, until it is recovered.
    ///
    /// # Errors
    /// When the pool or the node does not exist.
    pub fn make_node_unusable(
        &self,
        pool: &str,
        node: &str,
        errors: Vec<NodeError>,
    ) -> Result<(), Refused> {
        self.state.service.make_node_unusable(pool, node, errors).map_err(Refused)
    }

    /// Restarts a preempted or unusable node. Its files are gone.
    ///
    /// # Errors
    /// When the pool or the node does not exist, or the node is in another state.
    pub async fn recover_node(&self, pool: &str, node: &str) -> Result<(), Refused> {
        self.state.service.recover_node(pool, node).await.map_err(Refused)
    }

    /// Makes all further node allocations of a pool fail with this error. With `None`, allocations
    /// succeed again and missing nodes are allocated.
    ///
    /// # Errors
    /// When the pool does not exist.
    pub fn fail_allocations(
        &self,
        pool: &str,
        failure: Option<ResizeError>,
    ) -> Result<(), Refused> {
        self.state.service.fail_allocations(pool, failure).map_err(Refused)
    }
}
