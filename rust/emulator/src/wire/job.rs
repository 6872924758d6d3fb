//! The bodies of the job operations.

use crate::wire::enumeration::enumeration;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::common::{EnvironmentSetting, MetadataItem, Unsupported};
use super::pool::AutoPool;
use super::task::{JobManagerTask, JobPreparationTask, JobReleaseTask, TaskConstraints};

/// The body of
/// [Create Job](https://learn.microsoft.com/rest/api/batchservice/jobs/create-job).
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobCreate {
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
    pub(crate) job_manager_task: Option<JobManagerTask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_preparation_task: Option<JobPreparationTask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_release_task: Option<JobReleaseTask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_configuration: Option<Unsupported>,
}

/// The body of
/// [Update Job](https://learn.microsoft.com/rest/api/batchservice/jobs/update-job), a PATCH: absent
/// properties stay unchanged.
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
/// [Replace Job](https://learn.microsoft.com/rest/api/batchservice/jobs/replace-job), a PUT: absent
/// properties get their defaults.
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
    /// Sent by clients that read a job, change it and send it back.
    #[serde(default, rename = "odata.metadata")]
    _annotation: IgnoredAny,
}

/// The body of
/// [Disable Job](https://learn.microsoft.com/rest/api/batchservice/jobs/disable-job).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JobDisable {
    pub(crate) disable_tasks: DisableJobOption,
}

/// What happens to the running tasks of a job that is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DisableJobOption {
    /// They are stopped, and run again once the job is enabled.
    Requeue,
    Terminate,
    /// They run to their end.
    Wait,
}

enumeration!(DisableJobOption {
    Requeue = "requeue",
    Terminate = "terminate",
    Wait = "wait",
});

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
    /// ISO 8601, from the creation of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_wall_clock_time: Option<String>,
    /// The default of the job's tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_task_retry_count: Option<i32>,
}

/// The pool of a job: either an existing one, or one that the service creates.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PoolInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pool_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auto_pool_specification: Option<AutoPool>,
}

/// What happens when all tasks of the job are completed; an empty job counts as complete.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OnAllTasksComplete {
    #[default]
    NoAction,
    TerminateJob,
}

enumeration!(OnAllTasksComplete {
    NoAction = "noaction",
    TerminateJob = "terminatejob",
});

/// What happens when a task of the job fails.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OnTaskFailure {
    #[default]
    NoAction,
    /// The job action of the task's exit conditions; without them a failed task terminates the job.
    PerformExitOptionsJobAction,
}

enumeration!(OnTaskFailure {
    NoAction = "noaction",
    PerformExitOptionsJobAction = "performexitoptionsjobaction",
});

impl JobCreate {
    /// Returns how often a task of the job is retried: its own limit, otherwise the job's.
    pub(crate) fn max_task_retries(&self, own: Option<&TaskConstraints>) -> i32 {
        let of_job = || self.constraints.as_ref()?.max_task_retry_count;
        own.and_then(|own| own.max_task_retry_count).or_else(of_job).unwrap_or(0)
    }
}

impl PoolInfo {
    /// Returns the id of the pool: a new one if the service creates the pool.
    pub(crate) fn resolve(&self) -> String {
        let new_id = || self.auto_pool_specification.as_ref().map(AutoPool::new_id);
        self.pool_id.clone().or_else(new_id).unwrap_or_default()
    }
}

impl JobUpdate {
    /// Merges the update with the job's current properties.
    pub(crate) fn merged_with(self, job: &JobCreate) -> JobReplace {
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
