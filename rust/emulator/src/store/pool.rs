//! Pools.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use super::auto_scale::AutoScale;
use super::node::ComputeNode;
use super::resource::{Phase, ResourceVersion};
use crate::error::{ApiError, Code, Result};
use crate::settings::{MAX_NODES, PoolSettings, ResizeError};
use crate::wire::pool::UserAccount;
use crate::wire::pool::{
    ContainerConfiguration, ContainerType, ImageReference, PoolSpec, StartTask, VirtualMachine,
};

/// The VM size of the pools of `--pool`.
const VM_SIZE: &str = "standard_d2s_v3";
/// The node agent of the same pools.
const NODE_AGENT: &str = "batch.node.ubuntu 22.04";

/// The states of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PoolState {
    Active,
    Deleting,
}

/// The allocation state of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AllocationState {
    Steady,
    Resizing,
    Stopping,
}

/// The target numbers of nodes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) dedicated: usize,
    pub(crate) low_priority: usize,
}

/// A pool with its nodes.
#[derive(Clone)]
pub(crate) struct Pool {
    pub(crate) id: String,
    /// As created and updated; its size may have changed since.
    pub(crate) spec: PoolSpec,
    /// Which a later pool with the same id does not have.
    pub(crate) number: u64,
    /// The resource ids of its user-assigned identities.
    pub(crate) identities: Vec<String>,
    /// How long each node takes to start, before its start task.
    pub(crate) start_delay: Duration,
    pub(crate) created: OffsetDateTime,
    pub(crate) version: ResourceVersion,
    pub(crate) phase: Phase<PoolState>,
    pub(crate) target: Target,
    pub(crate) auto_scale: AutoScale,
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
    pub(crate) fn new(id: String, spec: PoolSpec, number: u64) -> Pool {
        let version = ResourceVersion::new();
        let size = |count: Option<u32>| count.map_or(0, |count| count as usize);
        let target = Target {
            dedicated: size(spec.target_dedicated_nodes),
            low_priority: size(spec.target_low_priority_nodes),
        };
        Pool {
            id,
            spec,
            number,
            identities: Vec::new(),
            start_delay: Duration::ZERO,
            created: version.last_modified,
            version,
            phase: Phase::new(PoolState::Active),
            target,
            auto_scale: AutoScale::default(),
            allocation: Phase::new(AllocationState::Steady),
            resize_errors: Vec::new(),
            allocation_failure: None,
            nodes: Vec::new(),
        }
    }

    /// Returns a pool with these settings and images, without nodes.
    pub(crate) fn from_settings(settings: &PoolSettings, images: Vec<String>, number: u64) -> Pool {
        Pool {
            identities: settings.identities.clone(),
            start_delay: settings.start_delay,
            allocation_failure: settings.resize_error.clone(),
            ..Pool::new(settings.id.clone(), spec(settings, images), number)
        }
    }

    /// Returns whether its tasks run in containers.
    pub(crate) fn has_containers(&self) -> bool {
        self.spec.virtual_machine_configuration.container_configuration.is_some()
    }

    /// Returns an error if the pool is being deleted.
    pub(crate) fn require_active(&self) -> Result<()> {
        match self.phase.state {
            PoolState::Active => Ok(()),
            PoolState::Deleting => Err(Code::PoolBeingDeleted.into()),
        }
    }

    /// Returns an error if the pool is being resized.
    pub(crate) fn require_steady(&self) -> Result<()> {
        match self.allocation.state {
            AllocationState::Steady => Ok(()),
            _ => Err(ApiError::from(Code::PoolBeingResized).with("PoolId", &*self.id)),
        }
    }

    /// Returns an error if the pool is scaled in another way: by a formula or by requests.
    pub(crate) fn require_scaling(&self, automatic: bool) -> Result<()> {
        let reason = match (self.spec.enable_auto_scale, automatic) {
            (true, false) => "automatic scaling is enabled",
            (false, true) => "automatic scaling is not enabled",
            _ => return Ok(()),
        };
        Err(ApiError::from(Code::OperationNotValidOnPool)
            .with("PoolId", &*self.id)
            .with("Reason", reason))
    }

    /// Returns whether it has no nodes and is to have none.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.missing().is_empty()
    }

    pub(crate) fn node(&self, id: &str) -> Result<&ComputeNode> {
        let node = self.nodes.iter().find(|node| node.id.eq_ignore_ascii_case(id));
        node.ok_or_else(|| node_not_found(&self.id, id))
    }

    pub(crate) fn node_mut(&mut self, id: &str) -> Result<&mut ComputeNode> {
        let node = self.nodes.iter_mut().find(|node| node.id.eq_ignore_ascii_case(id));
        node.ok_or_else(|| node_not_found(&self.id, id))
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

/// Returns the properties of a pool with these settings.
fn spec(settings: &PoolSettings, images: Vec<String>) -> PoolSpec {
    let image = ImageReference::of_marketplace("microsoft-dsvm", "ubuntu-hpc", "2204");
    let mut machine = VirtualMachine::new(image, NODE_AGENT);
    machine.container_configuration = settings.containers.then_some(ContainerConfiguration {
        kind: ContainerType::DockerCompatible,
        container_image_names: Some(images),
        container_registries: None,
    });
    let mut spec = PoolSpec::new(VM_SIZE, machine);
    spec.target_dedicated_nodes = Some(settings.nodes);
    spec.target_low_priority_nodes = Some(settings.low_priority);
    spec.task_slots_per_node = settings.slots;
    spec.user_accounts = user_accounts(settings);
    spec.start_task = settings.start_task.as_ref().map(|task| StartTask {
        max_task_retry_count: task.max_task_retry_count,
        wait_for_success: task.wait_for_success,
        ..StartTask::of_command(&task.command_line)
    });
    spec
}

fn user_accounts(settings: &PoolSettings) -> Option<Vec<UserAccount>> {
    let users = settings.users.iter().map(|name| UserAccount::new(name, false));
    let administrators = settings.administrators.iter().map(|name| UserAccount::new(name, true));
    let accounts: Vec<_> = users.chain(administrators).collect();
    (!accounts.is_empty()).then_some(accounts)
}

fn node_not_found(pool: &str, id: &str) -> ApiError {
    ApiError::from(Code::NodeNotFound).with("PoolId", pool).with("NodeId", id)
}
