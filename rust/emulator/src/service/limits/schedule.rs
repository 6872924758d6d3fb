//! Limits on job schedules.

use std::time::Duration;

use super::job_tasks::within;
use super::{TaskRules, check_display_name, check_id, check_job, check_metadata};
use crate::error::{ApiError, Result};
use crate::wire::duration;
use crate::wire::job::JobCreate;
use crate::wire::schedule::{JobScheduleCreate, Schedule};
use crate::wire::time::instant;

/// # Errors
/// Names the first property with an invalid value.
pub(in crate::service) fn check_job_schedule(
    spec: &JobScheduleCreate,
    minimum: Duration,
) -> Result<()> {
    check_id("id", &spec.id)?;
    check_display_name(spec.display_name.as_deref())?;
    check_metadata(spec.metadata.as_deref())?;
    check_schedule(&spec.schedule, minimum)
}

/// # Errors
/// Names the first property with an invalid value.
pub(in crate::service) fn check_schedule(schedule: &Schedule, minimum: Duration) -> Result<()> {
    check_length("schedule.startWindow", schedule.start_window.as_deref(), minimum)?;
    let interval = schedule.recurrence_interval.as_deref();
    check_length("schedule.recurrenceInterval", interval, minimum)?;
    match (schedule.do_not_run_until, schedule.do_not_run_after) {
        (Some(until), Some(after)) if after.0 <= until.0 => {
            let reason = "it must be later than doNotRunUntil";
            Err(ApiError::property("schedule.doNotRunAfter", &instant(after.0), reason))
        }
        _ => Ok(()),
    }
}

/// # Errors
/// Names the first property of the jobs with an invalid value.
pub(in crate::service) fn check_job_specification(job: &JobCreate, rules: TaskRules) -> Result<()> {
    let rules = TaskRules { of_schedule: true, ..rules };
    within("jobSpecification", check_job(job, rules))
}

fn check_length(name: &str, text: Option<&str>, minimum: Duration) -> Result<()> {
    let Some(text) = text else { return Ok(()) };
    match duration::parse(text) {
        None => Err(ApiError::property(name, text, "not an ISO 8601 duration such as PT30M")),
        Some(length) if length < minimum => {
            let reason = format!("less than the minimum of {} s", minimum.as_secs_f64());
            Err(ApiError::property(name, text, reason))
        }
        Some(_) => Ok(()),
    }
}
