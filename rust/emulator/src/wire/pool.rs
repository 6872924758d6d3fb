//! The bodies of the operations on pools and their nodes.

mod auto;
mod auto_scale;
mod machine;
mod network;
mod spec;
mod start_task;
mod user;

use crate::wire::enumeration::enumeration;
use serde::Deserialize;

pub(crate) use auto::{AutoPool, PoolLifetime};
pub(crate) use auto_scale::{AutoScaleEnable, AutoScaleEvaluate, EVALUATION_INTERVAL};
pub(crate) use machine::{ContainerConfiguration, ContainerType, ImageReference, VirtualMachine};
pub(crate) use spec::{JobOrder, NodeFillType, PoolReplace, PoolSpec, PoolUpdate, RESIZE_TIMEOUT};
pub(crate) use start_task::StartTask;
pub(crate) use user::UserAccount;

/// The body of
/// [Resize Pool](https://learn.microsoft.com/rest/api/batchservice/pools/resize-pool).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PoolResize {
    pub(crate) target_dedicated_nodes: Option<u32>,
    pub(crate) target_low_priority_nodes: Option<u32>,
    /// ISO 8601, at least five minutes.
    pub(crate) resize_timeout: Option<String>,
    #[serde(default)]
    pub(crate) node_deallocation_option: NodeDeallocationOption,
}

/// The body of
/// [Remove Nodes](https://learn.microsoft.com/rest/api/batchservice/pools/remove-nodes).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NodeRemove {
    pub(crate) node_list: Vec<String>,
    /// ISO 8601, at least five minutes.
    pub(crate) resize_timeout: Option<String>,
    #[serde(default)]
    pub(crate) node_deallocation_option: NodeDeallocationOption,
}

/// The body of
/// [Reboot Node](https://learn.microsoft.com/rest/api/batchservice/nodes/reboot-node).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NodeReboot {
    #[serde(default)]
    pub(crate) node_reboot_option: NodeDeallocationOption,
}

/// The body of
/// [Reimage Node](https://learn.microsoft.com/rest/api/batchservice/nodes/reimage-node).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NodeReimage {
    #[serde(default)]
    pub(crate) node_reimage_option: NodeDeallocationOption,
}

/// The body of
/// [Disable Node Scheduling](https://learn.microsoft.com/rest/api/batchservice/nodes/disable-node-scheduling).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NodeDisableScheduling {
    #[serde(default)]
    pub(crate) node_disable_scheduling_option: NodeDeallocationOption,
}

/// What happens to the running tasks of a node that is removed, restarted or gets no more tasks.
/// These operations have the same options.
#[derive(Clone, Copy, Default)]
pub(crate) enum NodeDeallocationOption {
    /// They are stopped and become active again.
    #[default]
    Requeue,
    /// They are stopped and completed.
    Terminate,
    /// They run to their end.
    TaskCompletion,
}

enumeration!(NodeDeallocationOption {
    Requeue = "requeue",
    Terminate = "terminate",
    TaskCompletion = "taskcompletion",
});
