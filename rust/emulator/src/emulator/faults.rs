//! What a test can do to the nodes of an emulator.

use super::Emulator;
use crate::error::ApiError;
use crate::settings::{NodeError, ResizeError};

/// Why something cannot happen to a pool or a node: there is no such one, or it is in a state in
/// which that does not happen.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(ApiError);

impl Emulator {
    /// The ids of the nodes of a pool in the order of their allocation.
    ///
    /// # Errors
    /// When there is no such pool.
    pub fn node_ids(&self, pool: &str) -> Result<Vec<String>, Refused> {
        let nodes = self.front.service.pool_nodes(pool).map_err(Refused)?;
        Ok(nodes.into_iter().map(|view| view.node.id).collect())
    }

    /// Loses contact with a node: it is `unknown`, its tasks are active again, and after a while
    /// it is gone, with another one in its place unless allocations fail.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn lose_node(&self, pool: &str, node: &str) -> Result<(), Refused> {
        self.front.service.lose_node(pool, node).map_err(Refused)
    }

    /// Takes a low-priority node back. It stays `preempted` until it recovers.
    ///
    /// # Errors
    /// When there is no such node, or it is dedicated.
    pub fn preempt_node(&self, pool: &str, node: &str) -> Result<(), Refused> {
        self.front.service.preempt_node(pool, node).map_err(Refused)
    }

    /// Makes a node `unusable` with these errors, until it recovers.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn make_node_unusable(
        &self,
        pool: &str,
        node: &str,
        errors: Vec<NodeError>,
    ) -> Result<(), Refused> {
        self.front.service.make_node_unusable(pool, node, errors).map_err(Refused)
    }

    /// Starts a preempted or unusable node again, without its files.
    ///
    /// # Errors
    /// When there is no such node in one of these states.
    pub async fn recover_node(&self, pool: &str, node: &str) -> Result<(), Refused> {
        self.front.service.recover_node(pool, node).await.map_err(Refused)
    }

    /// Lets a pool get no more nodes, for this reason; without one it gets what it lacks.
    ///
    /// # Errors
    /// When there is no such pool.
    pub fn fail_allocations(
        &self,
        pool: &str,
        failure: Option<ResizeError>,
    ) -> Result<(), Refused> {
        self.front.service.fail_allocations(pool, failure).map_err(Refused)
    }
}
