//! What can be wrong with pools and nodes, in the words of the service.

use serde::{Deserialize, Serialize};

/// Why a pool does not get its nodes: an item of `resizeErrors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizeError {
    /// `AccountCoreQuotaReached` or `AllocationFailed`, for example.
    pub code: String,
    /// The sentence for people.
    pub message: String,
}

/// What is wrong with a node: an item of its `errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeError {
    /// `DiskFull`, for example.
    pub code: String,
    /// The sentence for people.
    pub message: String,
}

impl ResizeError {
    /// An error of this code with a sentence of its own.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> ResizeError {
        ResizeError { code: code.into(), message: message.into() }
    }
}

impl NodeError {
    /// An error of this code with a sentence of its own.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> NodeError {
        NodeError { code: code.into(), message: message.into() }
    }
}
