//! Limits that the service enforces on request bodies.

mod container;
mod exit;
mod files;
mod job_tasks;
mod pool;
mod schedule;
mod task;

use crate::error::{ApiError, Code, Result};
use crate::wire::common::{EnvironmentSetting, MetadataItem, UNSUPPORTED};
use crate::wire::duration;
use crate::wire::job::{JobConstraints, JobCreate, JobReplace};
use job_tasks::{check_job_manager, check_node_tasks};
pub(super) use pool::{
    check_auto_scale, check_pool, check_pool_info, check_pool_replace, check_pool_update,
    check_resize_timeout, missing_formula,
};
pub(super) use schedule::{check_job_schedule, check_job_specification, check_schedule};
pub(super) use task::{TaskRules, check_collection, check_task, check_task_constraints};

/// The most characters of an id.
const ID: usize = 64;
/// The most characters of a display name.
const DISPLAY_NAME: usize = 1024;
/// The highest priority; the lowest is its negative.
const PRIORITY: i32 = 1000;

/// # Errors
/// Names the first property with an invalid value.
pub(super) fn check_job(job: &JobCreate, rules: TaskRules) -> Result<()> {
    check_id("id", &job.id)?;
    check_pool_info(&job.pool_info, rules)?;
    check_display_name(job.display_name.as_deref())?;
    check_priority(job.priority)?;
    check_parallel(job.max_parallel_tasks, job.allow_task_preemption)?;
    check_job_constraints(job.constraints.as_ref())?;
    check_environment("commonEnvironmentSettings", job.common_environment_settings.as_deref())?;
    check_metadata(job.metadata.as_deref())?;
    check_job_manager(job, rules)?;
    check_node_tasks(job, rules)
}

/// # Errors
/// Names the first property with an invalid value.
pub(super) fn check_replacement(new: &JobReplace, rules: TaskRules) -> Result<()> {
    check_pool_info(&new.pool_info, rules)?;
    check_priority(new.priority)?;
    check_parallel(new.max_parallel_tasks, new.allow_task_preemption)?;
    check_job_constraints(new.constraints.as_ref())?;
    check_metadata(new.metadata.as_deref())
}

/// Returns whether this is a valid id of a job, task or pool.
pub(crate) fn is_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=ID).contains(&id.len()) && id.chars().all(allowed)
}

/// # Errors
/// `InvalidPropertyValue` for an id that is not valid.
pub(super) fn check_id(name: &str, id: &str) -> Result<()> {
    if !is_id(id) {
        let reason = "an id is 1 to 64 letters, digits, hyphens and underscores";
        return Err(ApiError::property(name, id, reason));
    }
    Ok(())
}

fn check_display_name(name: Option<&str>) -> Result<()> {
    match name {
        Some(name) if name.chars().count() > DISPLAY_NAME => {
            Err(ApiError::property("displayName", name, "more than 1024 characters"))
        }
        _ => Ok(()),
    }
}

fn check_priority(priority: Option<i32>) -> Result<()> {
    match priority {
        Some(priority) if !(-PRIORITY..=PRIORITY).contains(&priority) => Err(ApiError::property(
            "priority",
            &priority.to_string(),
            "it must be from -1000 to 1000",
        )),
        _ => Ok(()),
    }
}

/// The emulator cannot preempt running tasks, so it refuses `allowTaskPreemption`.
fn check_parallel(most: Option<i32>, preemption: Option<bool>) -> Result<()> {
    if preemption == Some(true) {
        return Err(unsupported("allowTaskPreemption"));
    }
    match most {
        Some(most) if most < -1 || most == 0 => Err(ApiError::property(
            "maxParallelTasks",
            &most.to_string(),
            "it must be -1 or greater than 0",
        )),
        _ => Ok(()),
    }
}

/// Returns the error for a property with a value that the emulator refuses instead of ignoring it.
pub(super) fn unsupported(name: &str) -> ApiError {
    let error = ApiError::from(Code::UnsupportedProperty).with("PropertyName", name);
    error.with("Reason", UNSUPPORTED)
}

fn check_job_constraints(constraints: Option<&JobConstraints>) -> Result<()> {
    let Some(constraints) = constraints else { return Ok(()) };
    check_duration("constraints.maxWallClockTime", constraints.max_wall_clock_time.as_deref())?;
    check_retries(constraints.max_task_retry_count)
}

fn check_duration(name: &str, text: Option<&str>) -> Result<()> {
    match text {
        Some(text) if duration::parse(text).is_none() => {
            Err(ApiError::property(name, text, "not an ISO 8601 duration such as PT30M"))
        }
        _ => Ok(()),
    }
}

fn check_retries(count: Option<i32>) -> Result<()> {
    match count {
        Some(count) if count < -1 => {
            let (name, value) = ("constraints.maxTaskRetryCount", count.to_string());
            Err(ApiError::property(name, &value, "less than -1"))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_metadata(items: Option<&[MetadataItem]>) -> Result<()> {
    match items.unwrap_or_default().iter().any(|item| item.name.is_empty()) {
        true => Err(Code::EmptyMetadataKey.into()),
        false => Ok(()),
    }
}

fn check_environment(name: &str, settings: Option<&[EnvironmentSetting]>) -> Result<()> {
    let wrong = |setting: &&EnvironmentSetting| {
        setting.name.is_empty() || setting.name.contains(['=', '\0'])
    };
    match settings.unwrap_or_default().iter().find(wrong) {
        Some(setting) => Err(ApiError::property(name, &setting.name, "not a valid variable name")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        for id in ["a", "A-b_9", &"x".repeat(64)] {
            assert!(check_id("id", id).is_ok(), "{id}");
        }
        for id in ["", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(check_id("id", id).is_err(), "{id}");
        }
    }
}
