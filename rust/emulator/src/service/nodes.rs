//! The nodes of pools: how they come, what they show, how they go.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::Service;
use crate::error::Result;
use crate::node::Node;
use crate::settings::{ResizeError, StartTask};
use crate::store::Store;
use crate::store::node::ComputeNode;
use crate::store::pool::Pool;
use crate::store::task::Task;

/// A node with the pool and the recent tasks that it shows.
pub(crate) struct NodeView {
    pub(crate) node: ComputeNode,
    pub(crate) pool_id: String,
    pub(crate) start_task: Option<StartTask>,
    /// Each with the id of its job, the latest first.
    pub(crate) recent: Vec<(String, Task)>,
}

impl Service {
    /// A node of a pool.
    pub(crate) fn pool_node(&self, pool: &str, id: &str) -> Result<NodeView> {
        let store = self.store();
        let pool = store.pool(pool)?;
        Ok(view(&store, pool, pool.node(id)?))
    }

    /// The nodes of a pool.
    pub(crate) fn pool_nodes(&self, pool: &str) -> Result<Vec<NodeView>> {
        let store = self.store();
        let pool = store.pool(pool)?;
        Ok(pool.nodes.iter().map(|node| view(&store, pool, node)).collect())
    }

    /// Gives a pool the nodes that it lacks, or says why it gets none.
    pub(super) fn fill(self: &Arc<Self>, pool: &str) {
        if let Err(error) = self.try_to_fill(pool)
            && let Some(pool) = self.store().pool_mut(pool)
        {
            pool.resize_errors = vec![ResizeError::new("AllocationFailed", error.to_string())];
        }
        self.schedule();
    }

    /// # Errors
    /// When the directories of a node cannot be made.
    pub(super) fn try_to_fill(self: &Arc<Self>, pool: &str) -> io::Result<()> {
        let nodes = self.allocate_missing(pool)?;
        nodes.iter().for_each(|id| self.boot(pool, id));
        Ok(())
    }

    /// Gives the ids of the new nodes, which are not started yet.
    fn allocate_missing(&self, pool: &str) -> io::Result<Vec<String>> {
        let mut store = self.store();
        let Some(pool) = store.pool_mut(pool) else { return Ok(Vec::new()) };
        let missing = pool.missing();
        let failure = pool.obstacle().filter(|_| !missing.is_empty());
        pool.resize_errors = failure.into_iter().collect();
        match pool.resize_errors.is_empty() {
            true => missing.into_iter().map(|dedicated| self.allocate(pool, dedicated)).collect(),
            false => Ok(Vec::new()),
        }
    }

    fn allocate(&self, pool: &mut Pool, is_dedicated: bool) -> io::Result<String> {
        let node = Node::new(&pool.settings, is_dedicated, &self.site)?;
        let id = node.id.clone();
        pool.nodes.push(ComputeNode::new(id.clone(), is_dedicated, pool.settings.slots));
        self.all_nodes().insert(id.clone(), Arc::new(node));
        Ok(id)
    }

    /// Takes a node out of its pool, with its files. No task may run there any more.
    pub(super) fn remove_node(&self, pool: &str, id: &str) {
        if let Some(pool) = self.store().pool_mut(pool) {
            pool.nodes.retain(|node| node.id != id);
        }
        if let Some(node) = self.all_nodes().remove(id) {
            node.remove_files();
        }
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

fn view(store: &Store, pool: &Pool, node: &ComputeNode) -> NodeView {
    let recent = node.recent.iter().rev();
    let recent = recent.filter_map(|key| Some((key.job.clone(), store.task(key)?.clone())));
    NodeView {
        node: node.clone(),
        pool_id: pool.settings.id.clone(),
        start_task: pool.settings.start_task.clone(),
        recent: recent.collect(),
    }
}
