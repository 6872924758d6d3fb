//! Resource files and output files.

use crate::wire::enumeration::enumeration;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::wire::common::IdentityReference;

/// A resource file, downloaded before the task starts: a blob, or the blobs of a container.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResourceFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_container_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blob_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_path: Option<String>,
    /// Octal; the default is 0770.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auto_storage_container_name: Option<String>,
    /// Used instead of a SAS in the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity_reference: Option<IdentityReference>,
}

/// An output file, uploaded after the task ended.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OutputFile {
    pub(crate) file_pattern: String,
    pub(crate) destination: OutputDestination,
    pub(crate) upload_options: UploadOptions,
}

/// The destination of an output file.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputDestination {
    pub(crate) container: OutputContainer,
}

/// A blob container and a path in it.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OutputContainer {
    pub(crate) container_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upload_headers: Option<Vec<UploadHeader>>,
    /// Used instead of a SAS in the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity_reference: Option<IdentityReference>,
}

/// A header of the requests that upload an output file.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadHeader {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

impl UploadHeader {
    /// Returns the header if its name and value are valid.
    pub(crate) fn pair(&self) -> Option<(HeaderName, HeaderValue)> {
        let name = HeaderName::from_bytes(self.name.as_bytes()).ok()?;
        let value = HeaderValue::from_str(self.value.as_deref().unwrap_or("")).ok()?;
        Some((name, value))
    }
}

/// When an output file is uploaded.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UploadOptions {
    pub(crate) upload_condition: UploadCondition,
}

/// The results of a task after which an output file is uploaded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadCondition {
    Success,
    Failure,
    Completion,
}

enumeration!(UploadCondition {
    Success = "TaskSuccess",
    Failure = "TaskFailure",
    Completion = "TaskCompletion",
});
