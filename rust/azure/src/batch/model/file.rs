//! Files that a Batch task gets and leaves. Their URLs hold a SAS, which `Debug` hides.

use super::enums::UploadCondition;
use super::task::IdentityReference;
use crate::secret::without_query;
use serde::Serialize;
use std::fmt;

/// Something downloaded to the node before the command runs: either one blob (`http_url`, and
/// `file_path` names the file) or a container's blobs (`storage_container_url`, and `file_path`
/// is a directory). The whole list may have 32,768 characters of JSON at most.
///
/// [ResourceFile](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task#resourcefile)
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceFile {
    /// The URL of one blob, its SAS with the right to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_url: Option<String>,
    /// The URL of a container, its SAS with the rights to read and list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_container_url: Option<String>,
    /// Only the container's blobs with this prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_prefix: Option<String>,
    /// A path under the task's `wd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_path: Option<String>,
    /// The permission bits of the files on the node, as an octal number; 0770 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_mode: Option<String>,
    /// An identity of the pool, for a URL without a SAS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_reference: Option<IdentityReference>,
}

impl fmt::Debug for ResourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceFile")
            .field("http_url", &self.http_url.as_deref().map(without_query))
            .field(
                "storage_container_url",
                &self.storage_container_url.as_deref().map(without_query),
            )
            .field("blob_prefix", &self.blob_prefix)
            .field("file_path", &self.file_path)
            .field("file_mode", &self.file_mode)
            .field("identity_reference", &self.identity_reference)
            .finish()
    }
}

/// Something uploaded from the node after the command ended.
///
/// [OutputFile](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task#outputfile)
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputFile {
    /// A pattern relative to the task's `wd`; `*`, `**`, `?`, `[..]`, and `$VAR` are special.
    pub file_pattern: String,
    /// Where it goes.
    pub destination: OutputFileDestination,
    /// When it goes there.
    pub upload_options: OutputFileUploadOptions,
}

/// Where an output file goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputFileDestination {
    /// The only sort of destination there is.
    pub container: OutputFileBlobContainerDestination,
}

/// A place in Blob Storage.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputFileBlobContainerDestination {
    /// The plain URL of a container, its SAS with the right to write.
    pub container_url: String,
    /// The blob's name for a pattern without a wildcard, else the directory of the blobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// An identity of the pool, for a URL without a SAS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_reference: Option<IdentityReference>,
}

impl fmt::Debug for OutputFileBlobContainerDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputFileBlobContainerDestination")
            .field("container_url", &without_query(&self.container_url))
            .field("path", &self.path)
            .field("identity_reference", &self.identity_reference)
            .finish()
    }
}

/// When an output file is uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputFileUploadOptions {
    /// The condition.
    pub upload_condition: UploadCondition,
}
