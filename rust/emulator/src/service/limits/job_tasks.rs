//! Limits on the job manager, preparation and release tasks of jobs.

use std::time::Duration;

use super::TaskRules;
use super::task::check_task;
use crate::error::{ApiError, Result};
use crate::wire::duration;
use crate::wire::job::JobCreate;
use crate::wire::task::{JobReleaseTask, MAX_RELEASE_TIME, TaskCreate};

/// # Errors
/// Names the first property with an invalid value.
pub(super) fn check_job_manager(job: &JobCreate, rules: TaskRules) -> Result<()> {
    let Some(manager) = &job.job_manager_task else { return Ok(()) };
    check_within("jobManagerTask", &manager.as_task(), rules)?;
    let preparation = job.job_preparation_task.as_ref().map(|task| &task.id);
    let release = job.job_release_task.as_ref().map(|task| &task.id);
    match preparation.into_iter().chain(release).any(|id| id.eq_ignore_ascii_case(&manager.id)) {
        true => {
            let reason = "it must differ from the ids of the preparation and release tasks";
            Err(ApiError::property("jobManagerTask.id", &manager.id, reason))
        }
        false => Ok(()),
    }
}

/// # Errors
/// Names the first property with an invalid value.
pub(super) fn check_node_tasks(job: &JobCreate, rules: TaskRules) -> Result<()> {
    let preparation = job.job_preparation_task.as_ref();
    if let Some(preparation) = preparation {
        check_within("jobPreparationTask", &preparation.as_task(), rules)?;
    }
    let Some(release) = &job.job_release_task else { return Ok(()) };
    check_within("jobReleaseTask", &release.as_task(), rules)?;
    check_release_time(release)?;
    match preparation {
        None => {
            let reason = "a job with a release task needs a preparation task";
            Err(ApiError::property("jobReleaseTask", &release.id, reason))
        }
        Some(preparation) if preparation.id.eq_ignore_ascii_case(&release.id) => {
            let reason = "it must differ from the id of the preparation task";
            Err(ApiError::property("jobReleaseTask.id", &release.id, reason))
        }
        Some(_) => Ok(()),
    }
}

/// Checks a task that is a property of a job or pool.
pub(super) fn check_within(property: &str, task: &TaskCreate, rules: TaskRules) -> Result<()> {
    within(property, check_task(task, rules))
}

/// Names the outer property in an error of an inner one.
pub(super) fn within(property: &str, result: Result<()>) -> Result<()> {
    result.map_err(|error| error.within(property))
}

fn check_release_time(release: &JobReleaseTask) -> Result<()> {
    let longest = duration::parse(MAX_RELEASE_TIME).unwrap_or(Duration::MAX);
    let text = release.max_wall_clock_time.as_str();
    match duration::parse(text) {
        Some(time) if time > longest => Err(ApiError::property(
            "jobReleaseTask.maxWallClockTime",
            text,
            "a release task can run for at most 15 minutes",
        )),
        _ => Ok(()),
    }
}
