//! Limits on tasks.

use super::container::check_container;
use super::exit::{check_dependencies, check_exit_conditions};
use super::files::{check_output_files, check_resource_files};
use super::{
    check_display_name, check_duration, check_environment, check_id, check_retries, unsupported,
};
use crate::error::{ApiError, Result};
use crate::wire::task::{TaskConstraints, TaskCreate, UserIdentity};

/// The most tasks of a collection.
const COLLECTION: usize = 100;

/// What the job and its pool allow in the job's tasks.
#[derive(Clone, Copy, Default)]
pub(in crate::service) struct TaskRules {
    /// `None` if the pool does not exist.
    pub(in crate::service) slots_per_node: Option<u32>,
    /// The job's `usesTaskDependencies`.
    pub(in crate::service) uses_dependencies: bool,
    /// Whether a storage account is linked to the Batch account.
    pub(in crate::service) has_storage: bool,
    /// Whether the job's `onTaskFailure` performs the job actions of exit conditions.
    pub(in crate::service) acts_on_failure: bool,
    /// Whether it may run as a user account of the pool, which only tasks that are created by
    /// themselves can here.
    pub(in crate::service) named_users: bool,
    /// Whether the job is one of a job schedule.
    pub(in crate::service) of_schedule: bool,
}

/// # Errors
/// `InvalidPropertyValue` for a collection that is empty or too large.
pub(in crate::service) fn check_collection(tasks: &[TaskCreate]) -> Result<()> {
    match tasks.len() {
        1..=COLLECTION => Ok(()),
        count => {
            let reason = format!("not 1 to {COLLECTION} tasks");
            Err(ApiError::property("value", &format!("{count} tasks"), reason))
        }
    }
}

/// # Errors
/// Names the first property with an invalid value.
pub(in crate::service) fn check_task(task: &TaskCreate, rules: TaskRules) -> Result<()> {
    check_id("id", &task.id)?;
    check_display_name(task.display_name.as_deref())?;
    task.container_settings.as_ref().map_or(Ok(()), check_container)?;
    check_resource_files(task.resource_files.as_deref(), rules)?;
    check_output_files(task.output_files.as_deref())?;
    check_environment("environmentSettings", task.environment_settings.as_deref())?;
    task.constraints.as_ref().map_or(Ok(()), check_task_constraints)?;
    check_slots(task.required_slots, rules.slots_per_node)?;
    check_user(task, rules)?;
    task.depends_on.as_ref().map_or(Ok(()), |tasks| check_dependencies(tasks, rules))?;
    task.exit_conditions.as_ref().map_or(Ok(()), |ends| check_exit_conditions(ends, rules))
}

/// # Errors
/// Names the first property with an invalid value.
pub(in crate::service) fn check_task_constraints(constraints: &TaskConstraints) -> Result<()> {
    check_duration("constraints.maxWallClockTime", constraints.max_wall_clock_time.as_deref())?;
    check_duration("constraints.retentionTime", constraints.retention_time.as_deref())?;
    check_retries(constraints.max_task_retry_count)
}

fn check_user(task: &TaskCreate, rules: TaskRules) -> Result<()> {
    if task.user_identity.as_ref().is_some_and(UserIdentity::is_ambiguous) {
        let reason = "exactly one of username and autoUser is needed";
        return Err(ApiError::property("userIdentity", "", reason));
    }
    match task.user_name() {
        Some(_) if !rules.named_users => Err(unsupported("userIdentity.username")),
        _ => Ok(()),
    }
}

fn check_slots(slots: Option<i32>, slots_per_node: Option<u32>) -> Result<()> {
    let Some(slots) = slots else { return Ok(()) };
    let most = slots_per_node.unwrap_or(u32::MAX);
    match u32::try_from(slots) {
        Ok(slots) if (1..=most).contains(&slots) => Ok(()),
        _ => {
            let reason = match slots_per_node {
                Some(most) => format!("it must be from 1 to {most}, the slots of a node"),
                None => "less than 1".to_owned(),
            };
            Err(ApiError::property("requiredSlots", &slots.to_string(), reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use bytes::Bytes;
    use serde_json::{Value, json};

    fn task(extra: Value) -> Result<()> {
        let mut body = json!({"id": "t", "commandLine": "true"});
        if let (Some(body), Value::Object(mut extra)) = (body.as_object_mut(), extra) {
            body.append(&mut extra);
        }
        let task: TaskCreate = crate::wire::body::read(&Bytes::from(body.to_string()))?;
        check_task(&task, TaskRules { slots_per_node: Some(4), ..TaskRules::default() })
    }

    fn refused(extra: Value) -> String {
        let error = task(extra).unwrap_err();
        assert_eq!(error.code, Code::InvalidPropertyValue);
        error.values[0].1.clone()
    }

    #[test]
    fn resource_files_may_take_32768_characters() {
        let list = |padding: usize| {
            let url = format!("http://x/{}", "p".repeat(padding));
            json!({"resourceFiles": [{"httpUrl": url, "filePath": "f"}]})
        };
        let overhead = list(0)["resourceFiles"].to_string().len();
        assert!(task(list(32_768 - overhead)).is_ok());
        assert_eq!(refused(list(32_769 - overhead)), "resourceFiles");
    }

    #[test]
    fn output_files_have_the_same_limit() {
        let url = format!("http://x/{}", "p".repeat(32_768));
        let output = json!({
            "filePattern": "*",
            "destination": {"container": {"containerUrl": url}},
            "uploadOptions": {"uploadCondition": "taskcompletion"},
        });
        assert_eq!(refused(json!({"outputFiles": [output]})), "outputFiles");
    }

    #[test]
    fn wrong_values_are_refused_and_named() {
        let cases = [
            (json!({"resourceFiles": [{"filePath": "f"}]}), "resourceFiles.httpUrl"),
            (
                json!({"resourceFiles": [{"httpUrl": "http://x", "storageContainerUrl": "http://y"}]}),
                "resourceFiles.httpUrl",
            ),
            (json!({"resourceFiles": [{"httpUrl": "http://x"}]}), "resourceFiles.filePath"),
            (
                json!({"resourceFiles": [{"httpUrl": "http://x", "filePath": "../f"}]}),
                "resourceFiles.filePath",
            ),
            (
                json!({"resourceFiles": [{"httpUrl": "http://x", "filePath": "f", "fileMode": "9"}]}),
                "resourceFiles.fileMode",
            ),
            (
                json!({"constraints": {"maxWallClockTime": "5 minutes"}}),
                "constraints.maxWallClockTime",
            ),
            (json!({"constraints": {"maxTaskRetryCount": -2}}), "constraints.maxTaskRetryCount"),
            (json!({"requiredSlots": 5}), "requiredSlots"),
            (json!({"environmentSettings": [{"name": ""}]}), "environmentSettings"),
            (
                json!({"containerSettings": {"imageName": "x", "containerRunOptions": "--gpus all"}}),
                "containerSettings.containerRunOptions",
            ),
        ];
        for (extra, property) in cases {
            assert_eq!(refused(extra), property);
        }
    }
}
