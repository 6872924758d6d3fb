//! The user accounts of a pool's nodes.

use serde::{Deserialize, Serialize};

use crate::wire::common::Unsupported;
use crate::wire::task::ElevationLevel;

/// A user. Like the service, the emulator never returns the password and the private key.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserAccount {
    pub(crate) name: String,
    #[serde(skip_serializing)]
    pub(crate) password: String,
    #[serde(default)]
    elevation_level: ElevationLevel,
    linux_user_configuration: Option<LinuxUser>,
    windows_user_configuration: Option<Unsupported>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LinuxUser {
    uid: Option<u32>,
    gid: Option<u32>,
    #[serde(default, rename = "sshPrivateKey", skip_serializing)]
    _ssh_private_key: Option<String>,
}

impl UserAccount {
    /// Returns an account with this name and a password.
    pub(crate) fn new(name: &str, is_administrator: bool) -> UserAccount {
        let elevation_level =
            if is_administrator { ElevationLevel::Admin } else { ElevationLevel::NonAdmin };
        UserAccount {
            name: name.to_owned(),
            password: "password".to_owned(),
            elevation_level,
            linux_user_configuration: None,
            windows_user_configuration: None,
        }
    }

    /// Returns whether it is an administrator.
    pub(crate) fn is_administrator(&self) -> bool {
        self.elevation_level == ElevationLevel::Admin
    }

    /// Returns whether it has both a user id and a group id, or neither.
    pub(crate) fn has_valid_ids(&self) -> bool {
        let linux = self.linux_user_configuration.as_ref();
        linux.is_none_or(|linux| linux.uid.is_some() == linux.gid.is_some())
    }
}
