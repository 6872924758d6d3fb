//! The bodies of the task operations.

use serde::{Deserialize, Serialize};

use super::common::{EnvironmentSetting, IdentityReference, Unsupported};

/// The body of
/// [Create Task](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task).
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TaskAdd {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    pub(crate) command_line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) container_settings: Option<ContainerSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource_files: Option<Vec<ResourceFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_files: Option<Vec<OutputFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment_settings: Option<Vec<EnvironmentSetting>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) constraints: Option<TaskConstraints>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required_slots: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_identity: Option<UserIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_conditions: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    affinity_info: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_instance_settings: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    depends_on: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_package_references: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication_token_settings: Option<Unsupported>,
}

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
    /// Absent: the whole node root is mounted; an empty list mounts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) container_host_batch_bind_mounts: Option<Vec<BindMount>>,
}

/// The registry of an image. Images are local here, so its credentials are only checked for
/// their form; like the service, the emulator never shows the password.
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
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum WorkingDirectory {
    TaskWorkingDirectory,
    ContainerImageDefault,
}

/// A directory of the node that a container sees.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BindMount {
    pub(crate) source: BindSource,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_read_only: Option<bool>,
}

/// The directories of a node that can be bound one by one.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) enum BindSource {
    Shared,
    Startup,
    VfsMounts,
    Task,
    JobPrep,
    Applications,
}

/// What is downloaded before the task starts: a blob, or the blobs of a container.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResourceFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_container_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blob_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_path: Option<String>,
    /// Octal; 0770 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_storage_container_name: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_reference: Option<Unsupported>,
}

/// What is uploaded after the task ended.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OutputFile {
    pub(crate) file_pattern: String,
    pub(crate) destination: OutputDestination,
    pub(crate) upload_options: UploadOptions,
}

/// Where an output file goes.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputDestination {
    pub(crate) container: OutputContainer,
}

/// A blob container and a place in it.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OutputContainer {
    pub(crate) container_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_headers: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_reference: Option<Unsupported>,
}

/// When an output file is uploaded.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UploadOptions {
    pub(crate) upload_condition: UploadCondition,
}

/// The ends of a task after which an output file is uploaded.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum UploadCondition {
    #[serde(rename = "tasksuccess")]
    Success,
    #[serde(rename = "taskfailure")]
    Failure,
    #[serde(rename = "taskcompletion")]
    Completion,
}

/// Limits on a task.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TaskConstraints {
    /// ISO 8601; counts from the task's start, the download of resource files included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_wall_clock_time: Option<String>,
    /// ISO 8601; how long the task's directory stays after its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retention_time: Option<String>,
    /// How often a non-zero exit is tried again; -1 without limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_task_retry_count: Option<i32>,
}

/// The user that a task runs as.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserIdentity {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auto_user: Option<AutoUser>,
    #[serde(rename = "username", skip_serializing_if = "Option::is_none")]
    user_name: Option<Unsupported>,
}

/// A user that the service makes.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AutoUser {
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<AutoUserScope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elevation_level: Option<ElevationLevel>,
}

impl TaskAdd {
    /// Whether its user is an administrator, which none is without being made one.
    pub(crate) fn is_elevated(&self) -> bool {
        let auto_user = self.user_identity.as_ref().and_then(|user| user.auto_user.as_ref());
        auto_user.is_some_and(|user| user.elevation_level == Some(ElevationLevel::Admin))
    }
}

/// Whom the service makes a user for; here every task has the same.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum AutoUserScope {
    Task,
    Pool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum ElevationLevel {
    NonAdmin,
    Admin,
}
