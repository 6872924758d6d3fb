//! The bodies of the job operations.

use serde::{Deserialize, Serialize};

use super::common::{EnvironmentSetting, MetadataItem, Unsupported};

/// The body of
/// [Create Job](https://learn.microsoft.com/rest/api/batchservice/jobs/create-job).
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobAdd {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    #[serde(default)]
    pub(crate) priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) constraints: Option<JobConstraints>,
    pub(crate) pool_info: PoolInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) common_environment_settings: Option<Vec<EnvironmentSetting>>,
    #[serde(default)]
    pub(crate) on_all_tasks_complete: OnAllTasksComplete,
    #[serde(default)]
    pub(crate) on_task_failure: OnTaskFailure,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_task_dependencies: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_task_preemption: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_parallel_tasks: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_manager_task: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_preparation_task: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_release_task: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_configuration: Option<Unsupported>,
}

/// The body of
/// [Update Job](https://learn.microsoft.com/rest/api/batchservice/jobs/update-job), a PATCH: what
/// is absent stays as it is.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobUpdate {
    pub(crate) priority: Option<i32>,
    pub(crate) constraints: Option<JobConstraints>,
    pub(crate) pool_info: Option<PoolInfo>,
    pub(crate) on_all_tasks_complete: Option<OnAllTasksComplete>,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    allow_task_preemption: Option<Unsupported>,
    max_parallel_tasks: Option<Unsupported>,
    network_configuration: Option<Unsupported>,
}

/// The body of
/// [Terminate Job](https://learn.microsoft.com/rest/api/batchservice/jobs/terminate-job).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobTerminate {
    pub(crate) terminate_reason: Option<String>,
}

/// Limits on a whole job.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobConstraints {
    /// ISO 8601; counts from the job's creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_wall_clock_time: Option<String>,
    /// For tasks that name none of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_task_retry_count: Option<i32>,
}

/// Where a job's tasks run.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PoolInfo {
    pub(crate) pool_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_pool_specification: Option<Unsupported>,
}

/// What happens when every task of the job is completed; an empty job counts as complete.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnAllTasksComplete {
    #[default]
    NoAction,
    TerminateJob,
}

/// What happens when a task of the job fails.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnTaskFailure {
    #[default]
    NoAction,
    /// Without exit conditions this means: a task that fails terminates the job.
    PerformExitOptionsJobAction,
}
