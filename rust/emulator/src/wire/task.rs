//! The bodies of the task operations.

mod container;
mod dependencies;
mod exit;
mod files;
mod job_manager;
mod node_tasks;
mod token;
mod user;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::common::{EnvironmentSetting, Unsupported};
pub(crate) use container::{BindMount, BindSource, ContainerSettings, Registry, WorkingDirectory};
pub(crate) use dependencies::{TaskDependencies, TaskIdRange};
pub(crate) use exit::{DependencyAction, ExitConditions, ExitOptions, JobAction};
pub(crate) use files::{OutputFile, ResourceFile, UploadCondition, UploadHeader};
pub(crate) use job_manager::JobManagerTask;
pub(crate) use node_tasks::{JobPreparationTask, JobReleaseTask, MAX_RELEASE_TIME};
pub(crate) use token::AuthenticationTokenSettings;
pub(crate) use user::{ElevationLevel, UserIdentity};

/// The body of
/// [Create Task](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task).
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TaskCreate {
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
    pub(crate) exit_conditions: Option<ExitConditions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    affinity_info: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_instance_settings: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) depends_on: Option<TaskDependencies>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_package_references: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authentication_token_settings: Option<AuthenticationTokenSettings>,
}

/// Limits on a task.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TaskConstraints {
    /// ISO 8601, from the task's start, including the download of resource files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_wall_clock_time: Option<String>,
    /// ISO 8601; how long the task's files are kept after its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retention_time: Option<String>,
    /// How often a non-zero exit is retried; -1 without limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_task_retry_count: Option<i32>,
}

/// The body of
/// [Create Task Collection](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task-collection).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskGroup {
    pub(crate) value: Vec<TaskCreate>,
}

/// The body of
/// [Replace Task](https://learn.microsoft.com/rest/api/batchservice/tasks/replace-task): only the
/// constraints can be changed; absent ones get their defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskReplace {
    pub(crate) constraints: Option<TaskConstraints>,
    /// Sent by clients that read a task, change it and send it back.
    #[serde(default, rename = "odata.metadata")]
    _annotation: IgnoredAny,
}

impl TaskCreate {
    /// Returns a task with only a command.
    pub(crate) fn of_command(id: &str, command_line: &str) -> TaskCreate {
        let (id, command_line) = (id.to_owned(), command_line.to_owned());
        TaskCreate { id, command_line, ..TaskCreate::default() }
    }

    /// Returns whether it gets a token for the operations on its job.
    pub(crate) fn gets_token(&self) -> bool {
        let settings = self.authentication_token_settings.as_ref();
        settings.is_some_and(AuthenticationTokenSettings::includes_job)
    }

    /// Returns the name of the pool's user account that it runs as.
    pub(crate) fn user_name(&self) -> Option<&str> {
        self.user_identity.as_ref().and_then(UserIdentity::name)
    }

    /// Returns whether its user, unless that is a user account, is an administrator.
    pub(crate) fn is_elevated(&self) -> bool {
        self.user_identity.as_ref().is_some_and(UserIdentity::is_elevated)
    }
}

fn default_true() -> bool {
    true
}
