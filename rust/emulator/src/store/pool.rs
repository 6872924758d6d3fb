//! Pools.

use time::OffsetDateTime;

use super::node::ComputeNode;
use super::stamp::Stamp;
use crate::settings::PoolSettings;

/// A pool. It always has exactly the nodes it was started with.
#[derive(Clone)]
pub(crate) struct Pool {
    pub(crate) settings: PoolSettings,
    pub(crate) created: OffsetDateTime,
    pub(crate) stamp: Stamp,
    /// The images of its containerConfiguration; `None` without one.
    pub(crate) images: Option<Vec<String>>,
    /// In the order of allocation.
    pub(crate) nodes: Vec<ComputeNode>,
}

impl Pool {
    /// A pool without nodes.
    pub(crate) fn new(settings: PoolSettings, images: &[String]) -> Pool {
        let stamp = Stamp::new();
        Pool {
            created: stamp.last_modified,
            stamp,
            images: settings.containers.then(|| images.to_vec()),
            nodes: Vec::new(),
            settings,
        }
    }

    pub(crate) fn node_mut(&mut self, id: &str) -> Option<&mut ComputeNode> {
        self.nodes.iter_mut().find(|node| node.id == id)
    }

    /// How many nodes it has that are dedicated, or that are not.
    pub(crate) fn count(&self, dedicated: bool) -> usize {
        self.nodes.iter().filter(|node| node.is_dedicated == dedicated).count()
    }
}
