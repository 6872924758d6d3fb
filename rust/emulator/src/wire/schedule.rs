//! The bodies of the job schedule operations.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::common::{EnvironmentSetting, MetadataItem, Unsupported};
use super::job::{JobConstraints, JobCreate, OnAllTasksComplete, OnTaskFailure, PoolInfo};
use super::task::{JobManagerTask, JobPreparationTask, JobReleaseTask};
use super::time::Timestamp;

/// The body of
/// [Create Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/create-job-schedule).
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobScheduleCreate {
    pub(crate) id: String,
    pub(crate) display_name: Option<String>,
    pub(crate) schedule: Schedule,
    pub(crate) job_specification: JobSpecification,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
}

/// The body of
/// [Update Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/update-job-schedule),
/// a PATCH: absent properties stay unchanged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobScheduleUpdate {
    pub(crate) schedule: Option<Schedule>,
    pub(crate) job_specification: Option<JobSpecification>,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
}

/// The body of
/// [Replace Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/replace-job-schedule),
/// a PUT: absent properties are removed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobScheduleReplace {
    pub(crate) schedule: Option<Schedule>,
    pub(crate) job_specification: JobSpecification,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    /// Sent by clients that read a schedule, change it and send it back.
    #[serde(default, rename = "odata.metadata")]
    _annotation: IgnoredAny,
}

/// When jobs are created.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Schedule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) do_not_run_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) do_not_run_after: Option<Timestamp>,
    /// ISO 8601; within which a job must be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_window: Option<String>,
    /// ISO 8601, between the starts of two jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recurrence_interval: Option<String>,
}

/// What the jobs of a schedule have in common: the properties of a job without its id.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobSpecification {
    display_name: Option<String>,
    priority: Option<i32>,
    constraints: Option<JobConstraints>,
    pub(crate) pool_info: PoolInfo,
    common_environment_settings: Option<Vec<EnvironmentSetting>>,
    #[serde(default)]
    on_all_tasks_complete: OnAllTasksComplete,
    #[serde(default)]
    on_task_failure: OnTaskFailure,
    metadata: Option<Vec<MetadataItem>>,
    uses_task_dependencies: Option<bool>,
    allow_task_preemption: Option<bool>,
    max_parallel_tasks: Option<i32>,
    job_manager_task: Option<JobManagerTask>,
    job_preparation_task: Option<JobPreparationTask>,
    job_release_task: Option<JobReleaseTask>,
    network_configuration: Option<Unsupported>,
}

impl JobSpecification {
    /// Returns the job with this id.
    pub(crate) fn as_job(&self, id: &str) -> JobCreate {
        let own = self.clone();
        JobCreate {
            id: id.to_owned(),
            display_name: own.display_name,
            priority: own.priority,
            constraints: own.constraints,
            pool_info: own.pool_info,
            common_environment_settings: own.common_environment_settings,
            on_all_tasks_complete: own.on_all_tasks_complete,
            on_task_failure: own.on_task_failure,
            metadata: own.metadata,
            uses_task_dependencies: own.uses_task_dependencies,
            allow_task_preemption: own.allow_task_preemption,
            max_parallel_tasks: own.max_parallel_tasks,
            job_manager_task: own.job_manager_task,
            job_preparation_task: own.job_preparation_task,
            job_release_task: own.job_release_task,
            network_configuration: own.network_configuration,
        }
    }
}
