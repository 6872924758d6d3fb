//! The container of a task.

use crate::wire::enumeration::enumeration;
use serde::{Deserialize, Serialize};

use crate::wire::common::IdentityReference;

/// The container that a task runs in.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ContainerSettings {
    pub(crate) image_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) container_run_options: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registry: Option<Registry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) working_directory: Option<WorkingDirectory>,
    /// Absent: the whole node root is mounted. An empty list mounts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) container_host_batch_bind_mounts: Option<Vec<BindMount>>,
}

/// The registry of an image. Images are local here, so credentials are only validated. Like the
/// service, the emulator never returns the password.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registry {
    #[serde(rename = "registryServer", skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) password: Option<String>,
    #[serde(rename = "identityReference", skip_serializing_if = "Option::is_none")]
    pub(crate) identity_reference: Option<IdentityReference>,
}

/// The current directory of a container.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkingDirectory {
    TaskWorkingDirectory,
    ContainerImageDefault,
}

enumeration!(WorkingDirectory {
    TaskWorkingDirectory = "taskWorkingDirectory",
    ContainerImageDefault = "containerImageDefault",
});

/// A directory of the node that is mounted in a container.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BindMount {
    pub(crate) source: BindSource,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_read_only: Option<bool>,
}

/// The directories of a node that can be mounted individually.
#[derive(Clone, Copy)]
pub(crate) enum BindSource {
    Shared,
    Startup,
    VfsMounts,
    Task,
    JobPrep,
    Applications,
}

enumeration!(BindSource {
    Shared = "Shared",
    Startup = "Startup",
    VfsMounts = "VfsMounts",
    Task = "Task",
    JobPrep = "JobPrep",
    Applications = "Applications",
});
