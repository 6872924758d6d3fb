//! Errors of pools and nodes, as the service reports them.

use serde::{Deserialize, Serialize};

/// Why nodes could not be allocated: an item of a pool's `resizeErrors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizeError {
    /// `AccountCoreQuotaReached` or `AllocationFailed`, for example.
    pub code: String,
    /// The message for people.
    pub message: String,
}

/// What is wrong with a node: an item of its `errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeError {
    /// `DiskFull`, for example.
    pub code: String,
    /// The message for people.
    pub message: String,
}

impl ResizeError {
    /// Returns an error with this code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> ResizeError {
        ResizeError { code: code.into(), message: message.into() }
    }
}

impl NodeError {
    /// Returns an error with this code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> NodeError {
        NodeError { code: code.into(), message: message.into() }
    }
}
