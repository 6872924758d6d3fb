//! The limits that the service sets on what it is given.

use serde::Serialize;

use crate::error::{ApiError, Code, Result};
use crate::node::{resource_files, run_options};
use crate::wire::common::{EnvironmentSetting, MetadataItem};
use crate::wire::duration;
use crate::wire::job::{JobAdd, JobConstraints, JobUpdate};
use crate::wire::task::{
    ContainerSettings, OutputFile, Registry, ResourceFile, TaskAdd, TaskConstraints,
};

/// Characters of an id.
const ID: usize = 64;
/// Characters of a display name.
const DISPLAY_NAME: usize = 1024;
/// Characters that all resource files of a task may take as JSON, and all output files too.
const FILE_LIST: usize = 32_768;
/// The largest number that a priority may have; the smallest is its negative.
const PRIORITY: i32 = 1000;
/// Active jobs of an account. Accounts have 100 to 300 by default.
pub(super) const ACTIVE_JOBS: usize = 300;

/// # Errors
/// Names the first property with a value that the service refuses.
pub(super) fn check_job(job: &JobAdd) -> Result<()> {
    check_id("id", &job.id)?;
    check_id("poolInfo.poolId", &job.pool_info.pool_id)?;
    check_display_name(job.display_name.as_deref())?;
    check_priority(job.priority)?;
    check_job_constraints(job.constraints.as_ref())?;
    check_environment("commonEnvironmentSettings", job.common_environment_settings.as_deref())?;
    check_metadata(job.metadata.as_deref())
}

/// # Errors
/// Names the first property with a value that the service refuses.
pub(super) fn check_update(update: &JobUpdate) -> Result<()> {
    check_priority(update.priority)?;
    check_job_constraints(update.constraints.as_ref())?;
    check_metadata(update.metadata.as_deref())
}

/// # Errors
/// Names the first property with a value that the service refuses.
pub(super) fn check_task(task: &TaskAdd, slots_per_node: Option<u32>) -> Result<()> {
    check_id("id", &task.id)?;
    check_display_name(task.display_name.as_deref())?;
    task.container_settings.as_ref().map_or(Ok(()), check_container)?;
    check_file_list("resourceFiles", task.resource_files.as_deref())?;
    task.resource_files.iter().flatten().try_for_each(check_resource_file)?;
    check_file_list("outputFiles", task.output_files.as_deref())?;
    task.output_files.iter().flatten().try_for_each(check_output_file)?;
    check_environment("environmentSettings", task.environment_settings.as_deref())?;
    task.constraints.as_ref().map_or(Ok(()), check_task_constraints)?;
    check_slots(task.required_slots, slots_per_node)
}

/// Whether the service takes this as the id of a job, task or pool.
pub(crate) fn is_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=ID).contains(&id.len()) && id.chars().all(allowed)
}

fn check_id(name: &str, id: &str) -> Result<()> {
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
        Some(priority) if !(-PRIORITY..=PRIORITY).contains(&priority) => {
            Err(ApiError::property("priority", &priority.to_string(), "not from -1000 to 1000"))
        }
        _ => Ok(()),
    }
}

fn check_job_constraints(constraints: Option<&JobConstraints>) -> Result<()> {
    let Some(constraints) = constraints else { return Ok(()) };
    check_duration("constraints.maxWallClockTime", constraints.max_wall_clock_time.as_deref())?;
    check_retries(constraints.max_task_retry_count)
}

fn check_task_constraints(constraints: &TaskConstraints) -> Result<()> {
    check_duration("constraints.maxWallClockTime", constraints.max_wall_clock_time.as_deref())?;
    check_duration("constraints.retentionTime", constraints.retention_time.as_deref())?;
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

fn check_metadata(items: Option<&[MetadataItem]>) -> Result<()> {
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
        Some(setting) => Err(ApiError::property(name, &setting.name, "not a variable's name")),
        None => Ok(()),
    }
}

fn check_container(settings: &ContainerSettings) -> Result<()> {
    if settings.image_name.is_empty() {
        return Err(ApiError::property("containerSettings.imageName", "", "it is empty"));
    }
    if let Some(options) = &settings.container_run_options {
        run_options::parse(options).map_err(|reason| {
            ApiError::property("containerSettings.containerRunOptions", options, reason)
        })?;
    }
    settings.registry.as_ref().map_or(Ok(()), check_registry)
}

fn check_registry(registry: &Registry) -> Result<()> {
    let refuse = |property: &str, reason: &str| {
        Err(ApiError::property(&format!("containerSettings.registry{property}"), "", reason))
    };
    let identity = registry.identity_reference.as_ref();
    if registry.username.is_some() != registry.password.is_some() {
        return refuse("", "username and password are given together or not at all");
    }
    if registry.username.is_some() == identity.is_some() {
        return refuse("", "exactly one of username and password, and identityReference is needed");
    }
    match identity.map(|identity| identity.resource_id.as_deref().unwrap_or("")) {
        Some("") => refuse(".identityReference.resourceId", "it is missing or empty"),
        _ => Ok(()),
    }
}

fn check_file_list<T: Serialize>(name: &str, files: Option<&[T]>) -> Result<()> {
    let text = serde_json::to_string(files.unwrap_or_default()).unwrap_or_default();
    let characters = text.chars().count();
    if characters > FILE_LIST {
        let reason = format!("Total size of {name} cannot be more than {FILE_LIST} characters");
        return Err(ApiError::property(name, &format!("{characters} characters"), reason));
    }
    Ok(())
}

fn check_resource_file(file: &ResourceFile) -> Result<()> {
    let refuse = |property: &str, value: &str, reason: &str| {
        Err(ApiError::property(&format!("resourceFiles.{property}"), value, reason))
    };
    let path = file.file_path.as_deref();
    if file.http_url.is_some() == file.storage_container_url.is_some() {
        return refuse("httpUrl", "", "exactly one of httpUrl and storageContainerUrl is needed");
    }
    if file.http_url.is_some() && path.is_none_or(str::is_empty) {
        return refuse("filePath", "", "httpUrl needs the path of the file");
    }
    if file.blob_prefix.is_some() && file.storage_container_url.is_none() {
        return refuse("blobPrefix", "", "only valid with storageContainerUrl");
    }
    if path.is_some_and(|path| path.starts_with('/') || path.split('/').any(|name| name == "..")) {
        return refuse("filePath", path.unwrap_or(""), "it leaves the task's working directory");
    }
    match file.file_mode.as_deref() {
        Some(mode) if resource_files::parse_mode(mode).is_none() => {
            refuse("fileMode", mode, "not an octal mode such as 0770")
        }
        _ => Ok(()),
    }
}

fn check_output_file(file: &OutputFile) -> Result<()> {
    match file.file_pattern.is_empty() {
        true => Err(ApiError::property("outputFiles.filePattern", "", "it is empty")),
        false => Ok(()),
    }
}

fn check_slots(slots: Option<i32>, slots_per_node: Option<u32>) -> Result<()> {
    let Some(slots) = slots else { return Ok(()) };
    let most = slots_per_node.unwrap_or(u32::MAX);
    match u32::try_from(slots) {
        Ok(slots) if (1..=most).contains(&slots) => Ok(()),
        _ => {
            let reason = match slots_per_node {
                Some(most) => format!("not from 1 to the {most} slots of a node"),
                None => "less than 1".to_owned(),
            };
            Err(ApiError::property("requiredSlots", &slots.to_string(), reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::{Value, json};

    fn task(extra: Value) -> Result<()> {
        let mut body = json!({"id": "t", "commandLine": "true"});
        if let (Some(body), Value::Object(mut extra)) = (body.as_object_mut(), extra) {
            body.append(&mut extra);
        }
        let task: TaskAdd = crate::wire::body::read(&Bytes::from(body.to_string()))?;
        check_task(&task, Some(4))
    }

    fn refused(extra: Value) -> String {
        let error = task(extra).unwrap_err();
        assert_eq!(error.code, Code::InvalidPropertyValue);
        error.values[0].1.clone()
    }

    #[test]
    fn ids_are_checked() {
        for id in ["a", "A-b_9", &"x".repeat(64)] {
            assert!(check_id("id", id).is_ok(), "{id}");
        }
        for id in ["", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(check_id("id", id).is_err(), "{id}");
        }
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
