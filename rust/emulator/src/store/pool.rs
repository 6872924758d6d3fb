//! Pools.

use serde::Serialize;
use time::OffsetDateTime;

use super::node::ComputeNode;
use super::resource::{Phase, ResourceVersion};
use crate::error::{ApiError, Code, Result};
use crate::settings::{MAX_NODES, PoolSettings, ResizeError};

/// The allocation state of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AllocationState {
    Steady,
    Resizing,
    Stopping,
}

/// The target numbers of nodes.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) dedicated: usize,
    pub(crate) low_priority: usize,
}

/// A pool with its nodes.
#[derive(Clone)]
pub(crate) struct Pool {
    /// As at the start; its size may have changed since.
    pub(crate) settings: PoolSettings,
    pub(crate) created: OffsetDateTime,
    pub(crate) version: ResourceVersion,
    /// The images of its containerConfiguration; `None` without one.
    pub(crate) images: Option<Vec<String>>,
    pub(crate) target: Target,
    pub(crate) allocation: Phase<AllocationState>,
    /// Why it has fewer nodes than its target.
    pub(crate) resize_errors: Vec<ResizeError>,
    /// The error with which allocations fail.
    pub(crate) allocation_failure: Option<ResizeError>,
    /// In the order of allocation.
    pub(crate) nodes: Vec<ComputeNode>,
}

impl Pool {
    /// Returns a pool without nodes.
    pub(crate) fn new(settings: PoolSettings, images: &[String]) -> Pool {
        let version = ResourceVersion::new();
        let (dedicated, low_priority) = (settings.nodes as usize, settings.low_priority as usize);
        Pool {
            created: version.last_modified,
            version,
            images: settings.containers.then(|| images.to_vec()),
            target: Target { dedicated, low_priority },
            allocation: Phase::new(AllocationState::Steady),
            resize_errors: Vec::new(),
            allocation_failure: settings.resize_error.clone(),
            nodes: Vec::new(),
            settings,
        }
    }

    pub(crate) fn node(&self, id: &str) -> Result<&ComputeNode> {
        let node = self.nodes.iter().find(|node| node.id.eq_ignore_ascii_case(id));
        node.ok_or_else(|| node_not_found(&self.settings.id, id))
    }

    pub(crate) fn node_mut(&mut self, id: &str) -> Result<&mut ComputeNode> {
        let node = self.nodes.iter_mut().find(|node| node.id.eq_ignore_ascii_case(id));
        node.ok_or_else(|| node_not_found(&self.settings.id, id))
    }

    /// Returns the number of its dedicated or low-priority nodes, including preempted ones.
    pub(crate) fn count(&self, dedicated: bool) -> usize {
        self.nodes.iter().filter(|node| node.is_dedicated == dedicated).count()
    }

    /// Returns the error with which an allocation fails, if it does.
    pub(crate) fn allocation_error(&self) -> Option<ResizeError> {
        let too_many = self.target.dedicated + self.target.low_priority > MAX_NODES as usize;
        self.allocation_failure.clone().or_else(|| {
            let message = format!("The account's quota is {MAX_NODES} nodes per pool");
            too_many.then(|| ResizeError::new("AccountCoreQuotaReached", message))
        })
    }

    /// Returns the nodes to remove for this target: nodes without tasks first, the latest first.
    pub(crate) fn surplus(&self, target: Target) -> Vec<String> {
        let of_kind = |dedicated, count: usize| {
            let nodes = self.nodes.iter().rev().filter(move |node| node.is_dedicated == dedicated);
            let mut nodes: Vec<&ComputeNode> = nodes.collect();
            nodes.sort_by_key(|node| node.running().len());
            nodes.truncate(nodes.len().saturating_sub(count));
            nodes.into_iter().map(|node| node.id.clone()).collect::<Vec<_>>()
        };
        [of_kind(true, target.dedicated), of_kind(false, target.low_priority)].concat()
    }

    /// Returns the missing nodes: `true` for a dedicated one, `false` for a low-priority one.
    pub(crate) fn missing(&self) -> Vec<bool> {
        let dedicated = self.target.dedicated.saturating_sub(self.count(true));
        let low_priority = self.target.low_priority.saturating_sub(self.count(false));
        [vec![true; dedicated], vec![false; low_priority]].concat()
    }
}

fn node_not_found(pool: &str, id: &str) -> ApiError {
    ApiError::from(Code::NodeNotFound).with("PoolId", pool).with("NodeId", id)
}
