//! The user that a task runs as.

use crate::wire::enumeration::enumeration;
use serde::{Deserialize, Serialize};

use crate::wire::common::Unsupported;

/// The user that a task runs as.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserIdentity {
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_user: Option<AutoUser>,
    #[serde(rename = "username", skip_serializing_if = "Option::is_none")]
    user_name: Option<Unsupported>,
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
    /// Returns whether this user is an administrator.
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
