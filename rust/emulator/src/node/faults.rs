//! Faults of nodes: what they cannot do.

use std::fmt;

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
            _ => false,
        }
    }

    fn nth(&self) -> Nth {
        self.nth
    }
}

const DEEDS: &str = "node-pull-image, node-list-blobs, node-get-blob, node-put-blob";

impl NodeFault {
    /// Reads the parts of `node-get-blob#1=denied`.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub(crate) fn read(deed: &str, nth: Nth, failure: &str) -> Result<NodeFault, String> {
        let (deed, name) = match deed.split_once(':') {
            Some((deed, name)) => (deed, Some(name)),
            None => (deed, None),
        };
        let blob = |request| Ok(NodeFailure::Blob(request, refusal(failure)?));
        let what = match (deed, name) {
            ("node-pull-image", name) => match failure {
                "failed" => Ok(NodeFailure::PullImage(name.map(str::to_owned))),
                other => Err(format!("'{other}' is no failure of a pull; there is failed")),
            },
            ("node-list-blobs", None) => blob(BlobRequest::ListBlobs),
            ("node-get-blob", None) => blob(BlobRequest::GetBlob),
            ("node-put-blob", None) => blob(BlobRequest::PutBlob),
            (deed, None) => Err(format!("'{deed}' is nothing that a node does; it does {DEEDS}")),
            (deed, Some(name)) => Err(format!("'{deed}' takes no name such as '{name}'")),
        };
        Ok(NodeFault { nth, what: what? })
    }
}

fn refusal(text: &str) -> Result<BlobRefusal, String> {
    match text {
        "denied" => Ok(BlobRefusal::Denied),
        "not-found" => Ok(BlobRefusal::NotFound),
        "timed-out" => Ok(BlobRefusal::TimedOut),
        other => Err(format!(
            "'{other}' is no failure of a node's storage; there are denied, not-found, timed-out"
        )),
    }
}

impl fmt::Display for NodeFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nth = self.nth;
        match &self.what {
            NodeFailure::PullImage(None) => write!(formatter, "node-pull-image{nth}=failed"),
            NodeFailure::PullImage(Some(name)) => {
                write!(formatter, "node-pull-image:{name}{nth}=failed")
            }
            NodeFailure::Blob(request, refusal) => write!(formatter, "{request}{nth}={refusal}"),
        }
    }
}

impl fmt::Display for BlobRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            BlobRequest::ListBlobs => "node-list-blobs",
            BlobRequest::GetBlob => "node-get-blob",
            BlobRequest::PutBlob => "node-put-blob",
        })
    }
}

impl fmt::Display for BlobRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            BlobRefusal::Denied => "denied",
            BlobRefusal::NotFound => "not-found",
            BlobRefusal::TimedOut => "timed-out",
        })
    }
}
