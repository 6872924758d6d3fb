//! Limits on dependencies and exit conditions.

use super::TaskRules;
use crate::error::{ApiError, Code, Result};
use crate::wire::task::{ExitConditions, ExitOptions, TaskDependencies, TaskIdRange};

/// The most characters of all `taskIds` of a task.
const TASK_IDS: usize = 64_000;

/// # Errors
/// `UnsupportedProperty` in a job without `usesTaskDependencies`, `TaskDependencyListTooLong`, and
/// `InvalidPropertyValue` for a range that ends before it starts.
pub(super) fn check_dependencies(tasks: &TaskDependencies, rules: TaskRules) -> Result<()> {
    if !rules.uses_dependencies && !tasks.is_empty() {
        return Err(ApiError::from(Code::UnsupportedProperty)
            .with("PropertyName", "dependsOn")
            .with("Reason", "the job does not have usesTaskDependencies"));
    }
    let characters: usize = tasks.task_ids.iter().flatten().map(|id| id.chars().count()).sum();
    if characters > TASK_IDS {
        return Err(ApiError::from(Code::TaskDependencyListTooLong).with(
            "Reason",
            format!("{characters} characters, but at most {TASK_IDS} are allowed"),
        ));
    }
    let mut ranges = tasks.task_id_ranges.iter().flatten();
    match ranges.find(|TaskIdRange { start, end }| start > end) {
        Some(TaskIdRange { start, end }) => Err(ApiError::property(
            "dependsOn.taskIdRanges",
            &format!("{start} to {end}"),
            "it ends before it starts",
        )),
        None => Ok(()),
    }
}

/// # Errors
/// `InvalidPropertyValue` for an action that is not enabled in the job.
pub(super) fn check_exit_conditions(ends: &ExitConditions, rules: TaskRules) -> Result<()> {
    let refuse = |property: &str, reason: &str| {
        Err(ApiError::property(&format!("exitConditions.{property}"), "", reason))
    };
    let has = |given: fn(&ExitOptions) -> bool| ends.options().any(given);
    if !rules.acts_on_failure && has(|options| options.job_action.is_some()) {
        return refuse("jobAction", "the job's onTaskFailure is noaction");
    }
    if !rules.uses_dependencies && has(|options| options.dependency_action.is_some()) {
        return refuse("dependencyAction", "the job does not have usesTaskDependencies");
    }
    Ok(())
}
