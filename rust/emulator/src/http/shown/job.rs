//! Jobs.

use serde_json::{Map, Value, json};

use super::object;
use crate::store::job::Job;
use crate::wire::time::instant;

/// Every property of a job that `$select` may name.
pub(crate) const PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "usesTaskDependencies",
    "url",
    "eTag",
    "lastModified",
    "creationTime",
    "state",
    "stateTransitionTime",
    "previousState",
    "previousStateTransitionTime",
    "priority",
    "allowTaskPreemption",
    "maxParallelTasks",
    "constraints",
    "jobManagerTask",
    "jobPreparationTask",
    "jobReleaseTask",
    "commonEnvironmentSettings",
    "poolInfo",
    "onAllTasksComplete",
    "onTaskFailure",
    "networkConfiguration",
    "metadata",
    "executionInfo",
    "stats",
];

/// A job as the service shows it.
pub(crate) fn render(job: &Job, endpoint: &str) -> Map<String, Value> {
    let mut shown = object(&job.spec);
    shown.insert("url".into(), json!(format!("{endpoint}/jobs/{}", job.spec.id)));
    let uses_dependencies = job.spec.uses_task_dependencies.unwrap_or(false);
    shown.insert("usesTaskDependencies".into(), json!(uses_dependencies));
    shown.insert("priority".into(), json!(job.spec.priority.unwrap_or(0)));
    shown.insert("maxParallelTasks".into(), json!(job.spec.max_parallel_tasks.unwrap_or(-1)));
    job.stamp.show(&mut shown);
    job.phase.show(&mut shown);
    shown.insert("creationTime".into(), json!(instant(job.created)));
    shown.insert("executionInfo".into(), execution(job));
    shown
}

fn execution(job: &Job) -> Value {
    let mut shown = json!({
        "startTime": instant(job.created),
        "poolId": job.spec.pool_info.pool_id,
    });
    if let Some(end) = &job.ended {
        shown["endTime"] = json!(instant(end.at));
        shown["terminateReason"] = json!(end.reason);
    }
    shown
}
