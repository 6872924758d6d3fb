//! The job manager task of a job, which starts with the job.

use serde::{Deserialize, Serialize};

use super::{
    AuthenticationTokenSettings, ContainerSettings, OutputFile, ResourceFile, TaskConstraints,
    TaskCreate, UserIdentity, default_true,
};
use crate::wire::common::{EnvironmentSetting, Unsupported};

/// A task that the service creates with the job.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobManagerTask {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    command_line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_settings: Option<ContainerSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_files: Option<Vec<ResourceFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_files: Option<Vec<OutputFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_settings: Option<Vec<EnvironmentSetting>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) constraints: Option<TaskConstraints>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required_slots: Option<i32>,
    /// Whether the job ends with this task.
    #[serde(default = "default_true")]
    pub(crate) kill_job_on_completion: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<UserIdentity>,
    /// Whether no other task runs on its node meanwhile.
    #[serde(default = "default_true")]
    pub(crate) run_exclusive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_package_references: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication_token_settings: Option<AuthenticationTokenSettings>,
    #[serde(default = "default_true")]
    pub(crate) allow_low_priority_node: bool,
}

impl JobManagerTask {
    /// Returns the task that the service creates.
    pub(crate) fn as_task(&self) -> TaskCreate {
        TaskCreate {
            id: self.id.clone(),
            display_name: self.display_name.clone(),
            command_line: self.command_line.clone(),
            container_settings: self.container_settings.clone(),
            resource_files: self.resource_files.clone(),
            output_files: self.output_files.clone(),
            environment_settings: self.environment_settings.clone(),
            constraints: self.constraints.clone(),
            required_slots: self.required_slots,
            user_identity: self.user_identity.clone(),
            authentication_token_settings: self.authentication_token_settings.clone(),
            ..TaskCreate::default()
        }
    }
}
