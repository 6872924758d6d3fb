//! The authentication token of a task.

use serde::{Deserialize, Serialize};

use crate::wire::enumeration::enumeration;

/// What the token of a task gives access to. Clients of `2025-06-01` do not know it any more.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AuthenticationTokenSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Vec<AccessScope>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AccessScope {
    Job,
}

enumeration!(AccessScope { Job = "job" });

impl AuthenticationTokenSettings {
    /// Returns whether the token gives access to the task's job.
    pub(super) fn includes_job(&self) -> bool {
        self.access.as_ref().is_some_and(|access| access.contains(&AccessScope::Job))
    }
}
