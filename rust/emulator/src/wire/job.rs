//! The bodies of the job operations.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::common::{EnvironmentSetting, MetadataItem, Unsupported};
use super::task::{JobPreparationTask, JobReleaseTask};

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
    pub(crate) uses_task_dependencies: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow_task_preemption: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_parallel_tasks: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_manager_task: Option<Unsupported>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_preparation_task: Option<JobPreparationTask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_release_task: Option<JobReleaseTask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_configuration: Option<Unsupported>,
}

/// The body of
/// [Update Job](https://learn.microsoft.com/rest/api/batchservice/jobs/update-job), a PATCH: what
/// is absent stays as it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobUpdate {
    pub(crate) priority: Option<i32>,
    pub(crate) max_parallel_tasks: Option<i32>,
    pub(crate) allow_task_preemption: Option<bool>,
    pub(crate) constraints: Option<JobConstraints>,
    pub(crate) pool_info: Option<PoolInfo>,
    pub(crate) on_all_tasks_complete: Option<OnAllTasksComplete>,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    #[serde(rename = "networkConfiguration")]
    _network_configuration: Option<Unsupported>,
}

/// The body of
/// [Replace Job](https://learn.microsoft.com/rest/api/batchservice/jobs/replace-job), a PUT: what
/// is absent gets its default.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobReplace {
    pub(crate) priority: Option<i32>,
    pub(crate) max_parallel_tasks: Option<i32>,
    pub(crate) allow_task_preemption: Option<bool>,
    pub(crate) constraints: Option<JobConstraints>,
    pub(crate) pool_info: PoolInfo,
    #[serde(default)]
    pub(crate) on_all_tasks_complete: OnAllTasksComplete,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    /// Comes with a job that was got, changed and sent back.
    #[serde(default, rename = "odata.metadata")]
    _annotation: IgnoredAny,
}

/// The body of
/// [Disable Job](https://learn.microsoft.com/rest/api/batchservice/jobs/disable-job).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobDisable {
    pub(crate) disable_tasks: DisableTasks,
}

/// What becomes of the running tasks of a job that is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DisableTasks {
    /// They are ended, and run again once the job is enabled.
    Requeue,
    Terminate,
    /// They run on to their end.
    Wait,
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
    /// What the task's exit conditions say; without them a task that fails terminates the job.
    PerformExitOptionsJobAction,
}

impl JobUpdate {
    /// All that can be changed, where what is absent stays as the job has it.
    pub(crate) fn over(self, job: &JobAdd) -> JobReplace {
        JobReplace {
            priority: self.priority.or(job.priority),
            max_parallel_tasks: self.max_parallel_tasks.or(job.max_parallel_tasks),
            allow_task_preemption: self.allow_task_preemption.or(job.allow_task_preemption),
            constraints: self.constraints.or_else(|| job.constraints.clone()),
            pool_info: self.pool_info.unwrap_or_else(|| job.pool_info.clone()),
            on_all_tasks_complete: self.on_all_tasks_complete.unwrap_or(job.on_all_tasks_complete),
            metadata: self.metadata.or_else(|| job.metadata.clone()),
            _annotation: IgnoredAny,
        }
    }
}
