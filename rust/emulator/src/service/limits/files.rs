//! The limits on resource files and output files.

use serde::Serialize;

use crate::error::{ApiError, Result};
use crate::node::resource_files;
use crate::wire::task::{OutputFile, ResourceFile};

/// Characters that all resource files of a task may take as JSON, and all output files too.
const FILE_LIST: usize = 32_768;

/// # Errors
/// Names the first property with a value that the service refuses.
pub(super) fn check_resource_files(files: Option<&[ResourceFile]>) -> Result<()> {
    check_file_list("resourceFiles", files)?;
    files.unwrap_or_default().iter().try_for_each(check_resource_file)
}

/// # Errors
/// Names the first property with a value that the service refuses.
pub(super) fn check_output_files(files: Option<&[OutputFile]>) -> Result<()> {
    check_file_list("outputFiles", files)?;
    files.unwrap_or_default().iter().try_for_each(check_output_file)
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
