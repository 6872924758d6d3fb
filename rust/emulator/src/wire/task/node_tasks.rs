//! The tasks that a job runs on each of its nodes, before its first task there and at its end.

use serde::{Deserialize, Serialize};

use super::{ContainerSettings, ResourceFile, TaskAdd, TaskConstraints, UserIdentity};
use crate::wire::common::{EnvironmentSetting, Unsupported};

/// The limit of a release task that names none, which is the longest too: ISO 8601.
pub(crate) const RELEASE_TIME: &str = "PT15M";

/// What runs on a node before the first task of the job there.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobPreparationTask {
    #[serde(default = "preparation")]
    pub(crate) id: String,
    command_line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_settings: Option<ContainerSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_files: Option<Vec<ResourceFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_settings: Option<Vec<EnvironmentSetting>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    constraints: Option<TaskConstraints>,
    /// Whether the job's tasks wait for it, and run only where it succeeded.
    #[serde(default = "yes")]
    pub(crate) wait_for_success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<UserIdentity>,
    #[serde(default = "yes")]
    pub(crate) rerun_on_node_reboot_after_success: bool,
}

/// What runs at the end of the job on each node that was prepared.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobReleaseTask {
    #[serde(default = "release")]
    pub(crate) id: String,
    command_line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_settings: Option<ContainerSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_files: Option<Vec<ResourceFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_settings: Option<Vec<EnvironmentSetting>>,
    /// ISO 8601, 15 minutes at most.
    #[serde(default = "release_time")]
    pub(crate) max_wall_clock_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<UserIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_package_references: Option<Unsupported>,
}

impl JobPreparationTask {
    /// The task that a node runs.
    pub(crate) fn as_task(&self) -> TaskAdd {
        TaskAdd {
            id: self.id.clone(),
            command_line: self.command_line.clone(),
            container_settings: self.container_settings.clone(),
            resource_files: self.resource_files.clone(),
            environment_settings: self.environment_settings.clone(),
            constraints: self.constraints.clone(),
            user_identity: self.user_identity.clone(),
            ..TaskAdd::default()
        }
    }

    /// How often a non-zero exit is tried again; -1 without limit.
    pub(crate) fn max_retries(&self) -> i32 {
        self.constraints.as_ref().and_then(|own| own.max_task_retry_count).unwrap_or(0)
    }
}

impl JobReleaseTask {
    /// The task that a node runs.
    pub(crate) fn as_task(&self) -> TaskAdd {
        TaskAdd {
            id: self.id.clone(),
            command_line: self.command_line.clone(),
            container_settings: self.container_settings.clone(),
            resource_files: self.resource_files.clone(),
            environment_settings: self.environment_settings.clone(),
            constraints: Some(TaskConstraints {
                max_wall_clock_time: Some(self.max_wall_clock_time.clone()),
                retention_time: self.retention_time.clone(),
                max_task_retry_count: None,
            }),
            user_identity: self.user_identity.clone(),
            ..TaskAdd::default()
        }
    }
}

fn preparation() -> String {
    "jobpreparation".to_owned()
}

fn release() -> String {
    "jobrelease".to_owned()
}

fn release_time() -> String {
    RELEASE_TIME.to_owned()
}

fn yes() -> bool {
    true
}
