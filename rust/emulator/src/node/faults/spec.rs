//! The text form of a node fault: `node-get-blob#1=denied`.

use std::fmt;
use std::time::Duration;

use super::{BlobRefusal, BlobRequest, NodeEvent, NodeFailure, NodeFault};
use crate::faults::nth::Nth;
use crate::faults::option::number;

const ACTIONS: &str =
    "node-pull-image, node-list-blobs, node-get-blob, node-put-blob, node-run-task";

impl NodeFault {
    /// Parses the parts of `node-get-blob#1=denied`.
    ///
    /// # Errors
    /// Names the part that is wrong.
    pub(crate) fn parse(action: &str, nth: Nth, failure: &str) -> Result<NodeFault, String> {
        let (action, name) = match action.split_once(':') {
            Some((action, name)) => (action, Some(name)),
            None => (action, None),
        };
        let blob = |request| Ok(NodeFailure::Blob(request, refusal(failure)?));
        let failure = match (action, name) {
            ("node-pull-image", name) => match failure {
                "failed" => Ok(NodeFailure::PullImage(name.map(str::to_owned))),
                other => Err(format!("'{other}' is not a failure of an image pull; use failed")),
            },
            ("node-list-blobs", None) => blob(BlobRequest::ListBlobs),
            ("node-get-blob", None) => blob(BlobRequest::GetBlob),
            ("node-put-blob", None) => blob(BlobRequest::PutBlob),
            ("node-run-task", None) => end(failure),
            (action, None) => Err(format!("'{action}' is not a node action; use one of {ACTIONS}")),
            (action, Some(name)) => {
                Err(format!("'{action}' does not take a name such as '{name}'"))
            }
        };
        Ok(NodeFault { nth, failure: failure? })
    }
}

/// Parses `lost` or `lost,ms=500`.
fn end(text: &str) -> Result<NodeFailure, String> {
    let (event, after) = match text.split_once(',') {
        Some((event, option)) => (event, Duration::from_millis(number(option, "ms")?.into())),
        None => (text, Duration::ZERO),
    };
    let event = match event {
        "lost" => NodeEvent::Lost,
        "preempted" => NodeEvent::Preempted,
        "unusable" => NodeEvent::Unusable,
        other => {
            let text = "is not a node failure; use lost, preempted or unusable";
            return Err(format!("'{other}' {text}"));
        }
    };
    Ok(NodeFailure::RunTask(event, after))
}

fn refusal(text: &str) -> Result<BlobRefusal, String> {
    match text {
        "denied" => Ok(BlobRefusal::Denied),
        "not-found" => Ok(BlobRefusal::NotFound),
        "timed-out" => Ok(BlobRefusal::TimedOut),
        other => Err(format!(
            "'{other}' is not a failure of a blob request; use denied, not-found or timed-out"
        )),
    }
}

impl fmt::Display for NodeFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nth = self.nth;
        match &self.failure {
            NodeFailure::PullImage(None) => write!(formatter, "node-pull-image{nth}=failed"),
            NodeFailure::PullImage(Some(name)) => {
                write!(formatter, "node-pull-image:{name}{nth}=failed")
            }
            NodeFailure::RunTask(event, after) => {
                write!(formatter, "node-run-task{nth}={event}")?;
                let after = after.as_millis();
                if after > 0 { write!(formatter, ",ms={after}") } else { Ok(()) }
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

impl fmt::Display for NodeEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            NodeEvent::Lost => "lost",
            NodeEvent::Preempted => "preempted",
            NodeEvent::Unusable => "unusable",
            NodeEvent::Recovered => "recovered",
        })
    }
}
