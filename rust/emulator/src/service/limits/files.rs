//! Limits on resource files and output files.

use serde::Serialize;

use super::TaskRules;
use crate::error::{ApiError, Code, Result};
use crate::node::{blob, resource_files};
use crate::wire::common::IdentityReference;
use crate::wire::task::{OutputFile, ResourceFile, UploadHeader};

/// The most characters of a task's resource files as JSON, and of its output files.
const FILE_LIST: usize = 32_768;

/// # Errors
/// Names the first property with an invalid value.
pub(super) fn check_resource_files(files: Option<&[ResourceFile]>, rules: TaskRules) -> Result<()> {
    check_file_list("resourceFiles", files)?;
    files.unwrap_or_default().iter().try_for_each(|file| check_resource_file(file, rules))
}

/// # Errors
/// Names the first property with an invalid value.
pub(super) fn check_output_files(files: Option<&[OutputFile]>) -> Result<()> {
    check_file_list("outputFiles", files)?;
    files.unwrap_or_default().iter().try_for_each(check_output_file)
}

fn check_file_list<T: Serialize>(name: &str, files: Option<&[T]>) -> Result<()> {
    let text = serde_json::to_string(files.unwrap_or_default()).unwrap_or_default();
    if text.chars().count() > FILE_LIST {
        let reason = format!("Total size of {name} cannot be more than {FILE_LIST} characters");
        let error = ApiError::from(Code::InvalidPropertyValue).with("PropertyName", name);
        return Err(error.with("Reason", reason));
    }
    Ok(())
}

fn check_resource_file(file: &ResourceFile, rules: TaskRules) -> Result<()> {
    let refuse = |property: &str, value: &str, reason: &str| {
        Err(ApiError::property(&format!("resourceFiles.{property}"), value, reason))
    };
    let path = file.file_path.as_deref();
    check_source(file, rules)?;
    if file.http_url.is_some() && path.is_none_or(str::is_empty) {
        return refuse("filePath", "", "httpUrl needs the path of the file");
    }
    if file.blob_prefix.is_some() && file.http_url.is_some() {
        return refuse("blobPrefix", "", "only valid for the blobs of a container");
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

/// Checks the source of a resource file.
fn check_source(file: &ResourceFile, rules: TaskRules) -> Result<()> {
    let refuse = |property: &str, value: &str, reason: &str| {
        Err(ApiError::property(&format!("resourceFiles.{property}"), value, reason))
    };
    let container = file.auto_storage_container_name.as_deref();
    let sources = [file.http_url.as_deref(), file.storage_container_url.as_deref(), container];
    if sources.iter().flatten().count() != 1 {
        let names = "httpUrl, storageContainerUrl and autoStorageContainerName";
        return refuse("httpUrl", "", &format!("exactly one of {names} is needed"));
    }
    match container {
        Some(name) if !rules.has_storage => refuse(
            "autoStorageContainerName",
            name,
            "no storage account is linked to the Batch account (--auto-storage)",
        ),
        _ => check_identity("resourceFiles", file.identity_reference.as_ref()),
    }
}

/// # Errors
/// `InvalidPropertyValue` for an identity without an id.
pub(super) fn check_identity(of: &str, identity: Option<&IdentityReference>) -> Result<()> {
    match identity.map(|identity| identity.resource_id.as_deref().unwrap_or("")) {
        Some("") => Err(ApiError::property(
            &format!("{of}.identityReference.resourceId"),
            "",
            "it is missing or empty",
        )),
        _ => Ok(()),
    }
}

fn check_output_file(file: &OutputFile) -> Result<()> {
    let to = &file.destination.container;
    if file.file_pattern.is_empty() {
        return Err(ApiError::property("outputFiles.filePattern", "", "it is empty"));
    }
    let mut headers = to.upload_headers.iter().flatten();
    match headers.find(|header| !is_upload_header(header)) {
        Some(header) => {
            let reason = "not a valid header, or one that the node sets itself";
            Err(ApiError::property("outputFiles.uploadHeaders", &header.name, reason))
        }
        None => check_identity("outputFiles", to.identity_reference.as_ref()),
    }
}

fn is_upload_header(header: &UploadHeader) -> bool {
    header.pair().is_some_and(|(name, _)| !blob::UPLOAD_HEADERS.contains(&name.as_str()))
}
