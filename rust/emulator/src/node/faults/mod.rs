//! Faults of nodes: what they cannot do.

mod spec;

use std::time::Duration;

use serde::Deserialize;

use super::image::full_name;
use crate::faults::armed::Counted;
use crate::faults::nth::Nth;

/// A fault of what nodes do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFault {
    /// Which of the times that a node does it.
    pub nth: Nth,
    /// What it cannot do.
    pub what: NodeFailure,
}

/// What a node cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeFailure {
    /// Pull this image, or any: `ContainerInvalidImage`.
    PullImage(Option<String>),
    /// Make this request of a storage account.
    Blob(BlobRequest, BlobRefusal),
    /// Go on, this long after it began to run a task.
    RunTask(NodeEvent, Duration),
}

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeEvent {
    /// The service loses contact with it.
    Lost,
    /// Azure takes a low-priority node back.
    Preempted,
    /// Something is wrong with it, and it can run no tasks.
    Unusable,
    /// A preempted or unusable node starts again.
    Recovered,
}

/// A request that a node makes of a storage account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobRequest {
    /// For the resource files of a container.
    ListBlobs,
    /// For a resource file.
    GetBlob,
    /// For an output file.
    PutBlob,
}

/// How a storage account refuses a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobRefusal {
    /// The SAS does not allow it.
    Denied,
    /// There is no such blob or container.
    NotFound,
    /// It does not answer.
    TimedOut,
}

/// Something that a node is about to do.
#[derive(Clone, Copy)]
pub(crate) enum Deed<'a> {
    PullImage(&'a str),
    Blob(BlobRequest),
    RunTask,
}

impl Counted for NodeFault {
    type Event<'a> = Deed<'a>;

    fn is_about(&self, deed: Deed<'_>) -> bool {
        match (&self.what, deed) {
            (NodeFailure::PullImage(None), Deed::PullImage(_)) => true,
            (NodeFailure::PullImage(Some(name)), Deed::PullImage(pulled)) => {
                full_name(name) == full_name(pulled)
            }
            (NodeFailure::Blob(wanted, _), Deed::Blob(request)) => *wanted == request,
            (NodeFailure::RunTask(..), Deed::RunTask) => true,
            _ => false,
        }
    }

    fn nth(&self) -> Nth {
        self.nth
    }
}
