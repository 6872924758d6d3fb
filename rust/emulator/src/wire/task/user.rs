//! The user that a task runs as.

use crate::wire::enumeration::enumeration;
use serde::{Deserialize, Serialize};

/// The user that a task runs as.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserIdentity {
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_user: Option<AutoUser>,
    #[serde(rename = "username", skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// A user that the service creates.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AutoUser {
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<AutoUserScope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elevation_level: Option<ElevationLevel>,
}

impl UserIdentity {
    /// Returns the name of a user account of the pool.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns whether it is both a user account and a user that the service creates.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.name.is_some() && self.auto_user.is_some()
    }

    /// Returns whether this is a user that the service creates as an administrator.
    pub(super) fn is_elevated(&self) -> bool {
        let auto_user = self.auto_user.as_ref();
        auto_user.is_some_and(|user| user.elevation_level == Some(ElevationLevel::Admin))
    }
}

/// The scope of the user; it makes no difference here.
#[derive(Clone, Copy)]
enum AutoUserScope {
    Task,
    Pool,
}

enumeration!(AutoUserScope {
    Task = "task",
    Pool = "pool",
});

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ElevationLevel {
    #[default]
    NonAdmin,
    Admin,
}

enumeration!(ElevationLevel {
    NonAdmin = "nonadmin",
    Admin = "admin",
});
