//! Jobs.

use super::{
    NameValuePair,
    enums::{JobState, OnAllTasksComplete},
    iso_duration,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::OffsetDateTime;

/// A job to create. Its id: at most 64 of `[A-Za-z0-9_-]`.
///
/// [Create Job](https://learn.microsoft.com/rest/api/batchservice/jobs/create-job)
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewJob {
    /// The id, unique in the account without regard to case.
    pub id: String,
    /// A name for people, of at most 1,024 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// From -1000 to 1000; 0 where absent. Waiting tasks of jobs with a higher one start first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The pool its tasks run on.
    pub pool_info: PoolInfo,
    /// Labels. The service keeps them, but cannot filter by them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<MetadataItem>,
    /// Leave it at `NoAction` until the job's task is in: an empty job counts as complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_all_tasks_complete: Option<OnAllTasksComplete>,
    /// Limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<JobConstraints>,
}

/// The pool of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolInfo {
    /// Its id.
    #[serde(default)]
    pub pool_id: String,
}

/// The limits of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobConstraints {
    /// Counts from the job's creation, waiting included; the service then ends the job. Whole seconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "iso_duration")]
    pub max_wall_clock_time: Option<Duration>,
    /// How often a task that ends with a code other than 0 is run again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_task_retry_count: Option<i32>,
}

/// A label of a job.
pub type MetadataItem = NameValuePair;

/// A change of a job: what is None stays as it is.
///
/// [Update Job](https://learn.microsoft.com/rest/api/batchservice/jobs/update-job)
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPatch {
    /// What happens once all tasks are complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_all_tasks_complete: Option<OnAllTasksComplete>,
}

/// A job as the service describes it.
///
/// [Get Job](https://learn.microsoft.com/rest/api/batchservice/jobs/get-job)
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// The id.
    pub id: String,
    /// The state.
    pub state: JobState,
    /// Labels.
    #[serde(default)]
    pub metadata: Vec<MetadataItem>,
    /// When it was created.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub creation_time: Option<OffsetDateTime>,
    /// What happens once all tasks are complete.
    #[serde(default)]
    pub on_all_tasks_complete: Option<OnAllTasksComplete>,
    /// The pool.
    #[serde(default)]
    pub pool_info: Option<PoolInfo>,
    /// What became of it.
    #[serde(default)]
    pub execution_info: Option<JobExecutionInfo>,
}

/// What became of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobExecutionInfo {
    /// When it was created.
    #[serde(with = "time::serde::rfc3339::option")]
    pub start_time: Option<OffsetDateTime>,
    /// When it completed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub end_time: Option<OffsetDateTime>,
    /// The pool it really ran on.
    pub pool_id: Option<String>,
    /// Why it ended: the reason given to `terminate_job`, or one of the service's.
    pub terminate_reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_job_writes_only_what_is_set() {
        let mut job = NewJob {
            id: "j".into(),
            pool_info: PoolInfo { pool_id: "p".into() },
            ..NewJob::default()
        };
        let json = |job: &NewJob| serde_json::to_string(job).unwrap();
        assert_eq!(json(&job), r#"{"id":"j","poolInfo":{"poolId":"p"}}"#);
        (job.display_name, job.priority) = (Some("d".into()), Some(-5));
        job.metadata = vec![MetadataItem { name: "a".into(), value: "b".into() }];
        job.on_all_tasks_complete = Some(OnAllTasksComplete::NoAction);
        job.constraints = Some(JobConstraints {
            max_wall_clock_time: Some(Duration::from_millis(90_500)),
            max_task_retry_count: Some(0),
        });
        assert_eq!(
            json(&job),
            r#"{"id":"j","displayName":"d","priority":-5,"poolInfo":{"poolId":"p"},"metadata":[{"name":"a","value":"b"}],"onAllTasksComplete":"noaction","constraints":{"maxWallClockTime":"PT91S","maxTaskRetryCount":0}}"#
        );
    }

    #[test]
    fn a_job_of_a_newer_service_is_read() {
        let job: Job = serde_json::from_str(
            r#"{"id":"j","state":"Active","creationTime":"2026-11-22T17:10:00.1234567Z","new":1,
                "executionInfo":{"startTime":"2026-11-22T17:10:00Z","poolId":"p","terminateReason":"killed"}}"#,
        )
        .unwrap();
        assert_eq!((job.state, job.metadata.len()), (JobState::Active, 0));
        assert!(job.creation_time.is_some());
        assert_eq!(job.execution_info.unwrap().terminate_reason.as_deref(), Some("killed"));
    }
}
