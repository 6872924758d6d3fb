//! The preparation and release tasks of a job, which run on each of its nodes.

use serde::{Deserialize, Serialize};

use super::{
    ContainerSettings, ResourceFile, TaskConstraints, TaskCreate, UserIdentity, default_true,
};
use crate::wire::common::{EnvironmentSetting, Unsupported};

/// The default and the longest time limit of a release task, in ISO 8601.
pub(crate) const MAX_RELEASE_TIME: &str = "PT15M";

/// Runs on a node before the job's first task there.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobPreparationTask {
    #[serde(default = "default_preparation_id")]
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
    #[serde(default = "default_true")]
    pub(crate) wait_for_success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<UserIdentity>,
    #[serde(default = "default_true")]
    pub(crate) rerun_on_node_reboot_after_success: bool,
}

/// Runs on each prepared node at the end of the job.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobReleaseTask {
    #[serde(default = "default_release_id")]
    pub(crate) id: String,
    command_line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_settings: Option<ContainerSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_files: Option<Vec<ResourceFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_settings: Option<Vec<EnvironmentSetting>>,
    /// ISO 8601, at most 15 minutes.
    #[serde(default = "default_release_time")]
    pub(crate) max_wall_clock_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<UserIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_package_references: Option<Unsupported>,
}

impl JobPreparationTask {
    /// Returns the task that a node runs.
    pub(crate) fn as_task(&self) -> TaskCreate {
        TaskCreate {
            id: self.id.clone(),
            command_line: self.command_line.clone(),
            container_settings: self.container_settings.clone(),
            resource_files: self.resource_files.clone(),
            environment_settings: self.environment_settings.clone(),
            constraints: self.constraints.clone(),
            user_identity: self.user_identity.clone(),
            ..TaskCreate::default()
        }
    }

    /// Returns how often a non-zero exit is retried; -1 without limit.
    pub(crate) fn max_retries(&self) -> i32 {
        self.constraints.as_ref().and_then(|own| own.max_task_retry_count).unwrap_or(0)
    }
}

impl JobReleaseTask {
    /// Returns the task that a node runs.
    pub(crate) fn as_task(&self) -> TaskCreate {
        TaskCreate {
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
            ..TaskCreate::default()
        }
    }
}

fn default_preparation_id() -> String {
    "jobpreparation".to_owned()
}

fn default_release_id() -> String {
    "jobrelease".to_owned()
}

fn default_release_time() -> String {
    MAX_RELEASE_TIME.to_owned()
}
