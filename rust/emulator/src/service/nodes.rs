//! The nodes of pools.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::Service;
use crate::node::Node;
use crate::settings::PoolSettings;
use crate::store::node::ComputeNode;

impl Service {
    /// Gives a pool the nodes of its settings.
    ///
    /// # Errors
    /// When the directories of a node cannot be made.
    pub(super) fn allocate(&self, pool: &PoolSettings) -> io::Result<()> {
        let dedicated = (0..pool.nodes).map(|_| true);
        let kinds = dedicated.chain((0..pool.low_priority).map(|_| false));
        kinds.into_iter().try_for_each(|is_dedicated| self.add_node(pool, is_dedicated))
    }

    fn add_node(&self, pool: &PoolSettings, is_dedicated: bool) -> io::Result<()> {
        let node = Node::new(pool, is_dedicated, &self.site)?;
        let shown = ComputeNode::new(node.id.clone(), is_dedicated, pool.slots);
        self.all_nodes().insert(node.id.clone(), Arc::new(node));
        if let Some(pool) = self.store().pool_mut(&pool.id) {
            pool.nodes.push(shown);
        }
        Ok(())
    }

    /// What runs the tasks of a node.
    pub(super) fn node(&self, id: &str) -> Option<Arc<Node>> {
        self.all_nodes().get(id).cloned()
    }

    /// Taken after the store where both are, and never kept.
    pub(super) fn all_nodes(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
