//! The nodes of pools: allocation, lookup and removal.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::Service;
use time::OffsetDateTime;

use super::usage::node_time;
use crate::error::Result;
use crate::node::Node;
use crate::settings::ResizeError;
use crate::store::Store;
use crate::store::node::ComputeNode;
use crate::store::pool::Pool;
use crate::store::task::Task;
use crate::wire::pool::{ImageReference, StartTask};

/// A node with what its JSON shows of its pool and recent tasks.
pub(crate) struct NodeView {
    pub(crate) node: ComputeNode,
    pub(crate) pool_id: String,
    pub(crate) vm_size: String,
    pub(crate) image: ImageReference,
    pub(crate) start_task: Option<StartTask>,
    /// Each with the id of its job, the latest first.
    pub(crate) recent: Vec<(String, Task)>,
}

impl Service {
    /// Returns a node of a pool.
    pub(crate) fn pool_node(&self, pool: &str, id: &str) -> Result<NodeView> {
        let store = self.store();
        let pool = store.pool(pool)?;
        Ok(view(&store, pool, pool.node(id)?))
    }

    /// Returns the nodes of a pool.
    pub(crate) fn pool_nodes(&self, pool: &str) -> Result<Vec<NodeView>> {
        let store = self.store();
        let pool = store.pool(pool)?;
        Ok(pool.nodes.iter().map(|node| view(&store, pool, node)).collect())
    }

    /// Allocates the missing nodes of a pool, or records the error in `resizeErrors`.
    pub(super) fn allocate_nodes(self: &Arc<Self>, pool: &str) {
        if let Err(error) = self.try_allocate_nodes(pool)
            && let Some(pool) = self.store().pool_mut(pool)
        {
            pool.resize_errors = vec![ResizeError::new("AllocationFailed", error.to_string())];
        }
        self.schedule();
    }

    /// # Errors
    /// When the directories of a node cannot be created.
    pub(super) fn try_allocate_nodes(self: &Arc<Self>, pool: &str) -> io::Result<()> {
        let nodes = self.allocate_missing(pool)?;
        nodes.iter().for_each(|id| self.boot(pool, id));
        Ok(())
    }

    /// Allocates the missing nodes. Returns their ids; they are not started yet.
    fn allocate_missing(&self, pool: &str) -> io::Result<Vec<String>> {
        let mut store = self.store();
        let Some(pool) = store.pool_mut(pool) else { return Ok(Vec::new()) };
        let missing = pool.missing();
        // Errors stay until the next resize, also when the nodes come later.
        match pool.allocation_error().filter(|_| !missing.is_empty()) {
            None => missing.into_iter().map(|dedicated| self.allocate(pool, dedicated)).collect(),
            Some(failure) => {
                pool.resize_errors = vec![failure];
                Ok(Vec::new())
            }
        }
    }

    fn allocate(&self, pool: &mut Pool, is_dedicated: bool) -> io::Result<String> {
        let node = Node::new(pool, is_dedicated, &self.context)?;
        let id = node.id.clone();
        pool.nodes.push(ComputeNode::new(id.clone(), is_dedicated, pool.spec.task_slots_per_node));
        self.all_nodes().insert(id.clone(), Arc::new(node));
        Ok(id)
    }

    /// Removes a node from its pool, with its files. No task may run on it.
    pub(super) fn remove_node(&self, pool: &str, id: &str) {
        let mut store = self.store();
        if let Some(pool) = store.pool_mut(pool)
            && let Some(at) = pool.nodes.iter().position(|node| node.id == id)
        {
            let node = pool.nodes.remove(at);
            let time = node_time(pool, &node, OffsetDateTime::now_utc());
            store.add_usage(time);
        }
        drop(store);
        if let Some(node) = self.all_nodes().remove(id) {
            node.remove_files();
        }
    }

    /// Returns the node that runs tasks.
    pub(super) fn node(&self, id: &str) -> Option<Arc<Node>> {
        self.all_nodes().get(id).cloned()
    }

    /// Lock order: after the store.
    pub(super) fn all_nodes(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn view(store: &Store, pool: &Pool, node: &ComputeNode) -> NodeView {
    let recent = node.recent.iter().rev();
    let recent = recent.filter_map(|key| Some((key.job.clone(), store.task(key)?.clone())));
    NodeView {
        node: node.clone(),
        pool_id: pool.id.clone(),
        vm_size: pool.spec.vm_size.clone(),
        image: pool.spec.virtual_machine_configuration.image_reference.clone(),
        start_task: pool.spec.start_task.clone(),
        recent: recent.collect(),
    }
}
