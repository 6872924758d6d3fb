//! Faults of nodes.

mod spec;

use std::time::Duration;

use serde::Deserialize;

use super::image::full_name;
use crate::faults::active::FaultRule;
use crate::faults::nth::Nth;

/// A fault of a node's actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeFault {
    /// The numbers of the actions.
    pub(crate) nth: Nth,
    /// The failure.
    pub(crate) failure: NodeFailure,
}

/// The failure of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeFailure {
    /// Pulling this image, or any image, fails with `ContainerInvalidImage`.
    PullImage(Option<String>),
    /// This request to a storage account fails.
    Blob(BlobRequest, BlobRefusal),
    /// This event happens to the node, this long after it began to run a task.
    RunTask(NodeEvent, Duration),
}

/// An event that happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NodeEvent {
    /// The service loses contact with it.
    Lost,
    /// A low-priority node is preempted.
    Preempted,
    /// The node cannot run tasks.
    Unusable,
    /// A preempted or unusable node starts again.
    Recovered,
}

/// A request of a node to a storage account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobRequest {
    /// Lists the blobs of a container, for resource files.
    ListBlobs,
    /// Downloads a resource file.
    GetBlob,
    /// Uploads an output file.
    PutBlob,
}

/// How a request to a storage account fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobRefusal {
    /// The SAS does not allow it.
    Denied,
    /// The blob or container does not exist.
    NotFound,
    /// The storage account does not respond.
    TimedOut,
}

/// An action of a node to which a fault can apply.
#[derive(Clone, Copy)]
pub(crate) enum NodeAction<'a> {
    PullImage(&'a str),
    Blob(BlobRequest),
    RunTask,
}

impl FaultRule for NodeFault {
    type Event<'a> = NodeAction<'a>;

    fn matches(&self, action: NodeAction<'_>) -> bool {
        match (&self.failure, action) {
            (NodeFailure::PullImage(None), NodeAction::PullImage(_)) => true,
            (NodeFailure::PullImage(Some(name)), NodeAction::PullImage(pulled)) => {
                full_name(name) == full_name(pulled)
            }
            (NodeFailure::Blob(wanted, _), NodeAction::Blob(request)) => *wanted == request,
            (NodeFailure::RunTask(..), NodeAction::RunTask) => true,
            _ => false,
        }
    }

    fn nth(&self) -> Nth {
        self.nth
    }
}
