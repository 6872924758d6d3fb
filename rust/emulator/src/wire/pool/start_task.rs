//! The start task of a pool.

use serde::{Deserialize, Serialize};

use crate::wire::common::EnvironmentSetting;
use crate::wire::task::{ContainerSettings, ResourceFile, TaskCreate, UserIdentity};

/// Runs on each node of a pool whenever the node starts.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StartTask {
    pub(crate) command_line: String,
    pub(crate) container_settings: Option<ContainerSettings>,
    pub(crate) resource_files: Option<Vec<ResourceFile>>,
    pub(crate) environment_settings: Option<Vec<EnvironmentSetting>>,
    pub(crate) user_identity: Option<UserIdentity>,
    /// How often a non-zero exit is retried; -1 without limit.
    #[serde(default)]
    pub(crate) max_task_retry_count: i32,
    /// Whether the node takes tasks only once the start task has succeeded.
    #[serde(default = "default_true")]
    pub(crate) wait_for_success: bool,
}

impl StartTask {
    /// Returns a start task that must succeed, without retries.
    pub(crate) fn of_command(command_line: &str) -> StartTask {
        StartTask {
            command_line: command_line.to_owned(),
            container_settings: None,
            resource_files: None,
            environment_settings: None,
            user_identity: None,
            max_task_retry_count: 0,
            wait_for_success: true,
        }
    }

    /// Returns the task that a node runs.
    pub(crate) fn as_task(&self) -> TaskCreate {
        let mut task = TaskCreate::of_command("startup", &self.command_line);
        task.container_settings = self.container_settings.clone();
        task.resource_files = self.resource_files.clone();
        task.environment_settings = self.environment_settings.clone();
        task.user_identity = self.user_identity.clone();
        task
    }
}

fn default_true() -> bool {
    true
}
