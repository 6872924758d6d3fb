//! JSON of jobs.

use serde_json::{Map, Value, json};

use super::object;
use super::task::add_defaults;
use crate::store::job::Job;
use crate::wire::duration::{UNLIMITED, in_days};
use crate::wire::job::JobCreate;
use crate::wire::task::JobManagerTask;
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

/// Returns a job as the service shows it.
pub(crate) fn render(job: &Job, endpoint: &str) -> Map<String, Value> {
    let mut properties = specification(&job.spec);
    properties.insert("url".into(), json!(format!("{endpoint}/jobs/{}", job.spec.id)));
    job.version.add_to(&mut properties);
    job.phase.add_to(&mut properties);
    properties.insert("creationTime".into(), json!(instant(job.created)));
    properties.insert("executionInfo".into(), execution(job));
    properties
}

/// Returns what was asked for, with the values that the service shows where nothing was given.
pub(super) fn specification(spec: &JobCreate) -> Map<String, Value> {
    let mut properties = object(spec);
    let uses_dependencies = spec.uses_task_dependencies.unwrap_or(false);
    properties.insert("usesTaskDependencies".into(), json!(uses_dependencies));
    properties.insert("priority".into(), json!(spec.priority.unwrap_or(0)));
    properties.insert("maxParallelTasks".into(), json!(spec.max_parallel_tasks.unwrap_or(-1)));
    let preemption = spec.allow_task_preemption.unwrap_or(false);
    properties.insert("allowTaskPreemption".into(), json!(preemption));
    properties.insert("constraints".into(), constraints(spec));
    if let Some(manager) = &spec.job_manager_task {
        properties.insert("jobManagerTask".into(), job_manager(manager, spec));
    }
    properties
}

fn constraints(spec: &JobCreate) -> Value {
    let given = spec.constraints.as_ref();
    let limit = given.and_then(|given| given.max_wall_clock_time.as_deref());
    json!({
        "maxWallClockTime": in_days(limit.unwrap_or(UNLIMITED)),
        "maxTaskRetryCount": spec.max_task_retries(None),
    })
}

fn job_manager(manager: &JobManagerTask, spec: &JobCreate) -> Value {
    let mut properties = object(manager);
    let constraints = manager.constraints.as_ref();
    add_defaults(&mut properties, constraints, spec.max_task_retries(constraints));
    Value::Object(properties)
}

fn execution(job: &Job) -> Value {
    let mut properties = json!({
        "startTime": instant(job.created),
        "poolId": job.pool_id,
    });
    if let Some(ended) = job.ended {
        properties["endTime"] = json!(instant(ended));
    }
    if let Some(error) = &job.scheduling_error {
        properties["schedulingError"] = json!(error);
    }
    if let Some(reason) = &job.terminate_reason {
        properties["terminateReason"] = json!(reason);
    }
    properties
}
