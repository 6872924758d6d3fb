//! Downloads a task's resource files before it starts.
//!
//! The blobs of a container keep their directory structure under `filePath`: including the prefix,
//! as documented, or without the prefix's directories, depending on the settings.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use futures::{StreamExt, TryStreamExt, stream};

use super::NodeContext;
use super::access::Access;
use super::blob::{self, AT_ONCE, BlobError, ListedBlob, Location, Storage};
use super::directory::join_inside;
use super::tree::Tree;
use crate::settings::BlobPrefix;
use crate::store::task::FailureInfo;
use crate::wire::task::ResourceFile;

/// The default mode of a resource file.
const DEFAULT_MODE: u32 = 0o770;

/// A blobPrefix and how it is treated.
#[derive(Clone, Copy)]
struct Prefix<'a> {
    text: &'a str,
    rule: BlobPrefix,
}

/// Downloads all resource files to the working directory.
///
/// # Errors
/// The failure of the first one that cannot be downloaded.
pub(super) async fn fetch(
    context: &NodeContext,
    access: Access<'_>,
    files: &[ResourceFile],
    working: &Tree,
) -> Result<(), FailureInfo> {
    let storage = &context.storage;
    for file in files {
        let mode = file.file_mode.as_deref().and_then(parse_mode).unwrap_or(DEFAULT_MODE);
        let path = file.file_path.as_deref().unwrap_or("");
        let to = target(Path::new(""), path)?;
        let identity = file.identity_reference.as_ref();
        if let Some(url) = &file.http_url {
            let blob = access.location(url, identity);
            let blob = blob.map_err(|error| download_failure(&error, path))?;
            fetch_one(storage, &blob, (working, &to), (path, mode)).await?;
        } else {
            let container = container(access, file).map_err(|error| list_failure(&error))?;
            let prefix = file.blob_prefix.as_deref().unwrap_or("");
            let prefix = Prefix { text: prefix, rule: context.blob_prefix };
            fetch_container(storage, &container, prefix, (working, &to), mode).await?;
        }
    }
    Ok(())
}

/// Parses the mode of a resource file: octal digits such as `0770`.
pub(crate) fn parse_mode(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777)
}

/// Returns a resource file's container.
fn container(access: Access<'_>, file: &ResourceFile) -> Result<Location, BlobError> {
    match (&file.storage_container_url, &file.auto_storage_container_name) {
        (Some(url), _) => access.location(url, file.identity_reference.as_ref()),
        (None, name) => access.auto_storage(name.as_deref().unwrap_or("")),
    }
}

impl Prefix<'_> {
    /// Returns the path under `filePath` of a blob whose name begins with the prefix.
    fn path<'a>(&self, name: &'a str) -> &'a str {
        let directories = self.text.rfind('/').map_or(0, |slash| slash + 1);
        match self.rule {
            BlobPrefix::Keep => name,
            BlobPrefix::Strip => name.get(directories..).unwrap_or(name),
        }
    }
}

/// Downloads one blob; the name is used in failures.
async fn fetch_one(
    storage: &Storage,
    blob: &Location,
    (working, to): (&Tree, &Path),
    (name, mode): (&str, u32),
) -> Result<(), FailureInfo> {
    let failed = |code| move |error| file_failure(code, name, &error);
    working
        .make_directories(to.parent().unwrap_or(to))
        .map_err(failed("ResourceDirectoryCreateFailed"))?;
    let downloaded = blob::download(storage, blob, working, to).await;
    let file = downloaded.map_err(|error| download_failure(&error, name))?;
    let opened = file.set_permissions(Permissions::from_mode(mode)).await;
    opened.map_err(failed("ResourceFileWriteFailed"))
}

async fn fetch_container(
    storage: &Storage,
    container: &Location,
    prefix: Prefix<'_>,
    (working, to): (&Tree, &Path),
    mode: u32,
) -> Result<(), FailureInfo> {
    let blobs =
        blob::list(storage, container, prefix.text).await.map_err(|error| list_failure(&error))?;
    stream::iter(blobs)
        .map(|listed| async move {
            let file = target(to, prefix.path(&listed.name))?;
            fetch_listed(storage, container, &listed, (working, &file), mode).await
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn fetch_listed(
    storage: &Storage,
    container: &Location,
    listed: &ListedBlob,
    (working, file): (&Tree, &Path),
    mode: u32,
) -> Result<(), FailureInfo> {
    let name = listed.name.as_str();
    if listed.is_directory() {
        return working
            .make_directories(file)
            .map_err(|error| file_failure("ResourceDirectoryCreateFailed", name, &error));
    }
    match container.blob(name) {
        Some(blob) => fetch_one(storage, &blob, (working, file), (name, mode)).await,
        None => Err(FailureInfo::user(
            "BlobDownloadMiscError",
            "The URL cannot hold a blob of this name",
        )),
    }
}

/// Returns the path of a blob or of `filePath` under a directory of the task.
fn target(base: &Path, relative: &str) -> Result<PathBuf, FailureInfo> {
    join_inside(base, relative).ok_or_else(|| {
        FailureInfo::user("ResourceFileCreateFailed", "A resource file could not be created")
            .with("FilePath", relative)
            .with("Reason", "the path leaves the task's working directory")
    })
}

fn file_failure(code: &'static str, path: &str, error: &io::Error) -> FailureInfo {
    let code = if error.kind() == io::ErrorKind::StorageFull { "DiskFull" } else { code };
    FailureInfo::server(code, "A resource file could not be written")
        .with("FilePath", path)
        .with("Reason", error.to_string())
}

fn download_failure(error: &BlobError, path: &str) -> FailureInfo {
    let failure = match error {
        BlobError::Denied(_) => FailureInfo::user(
            "BlobAccessDenied",
            "Access for one of the specified Azure Blob(s) is denied",
        ),
        BlobError::NotFound(_) => {
            FailureInfo::user("BlobNotFound", "One of the specified Azure Blob(s) is not found")
        }
        BlobError::TimedOut => {
            FailureInfo::server("BlobDownloadTimedOut", "A download of a resource file timed out")
        }
        BlobError::File(error) => return file_failure("ResourceFileCreateFailed", path, error),
        BlobError::Conflict(_) | BlobError::Other(_) => {
            FailureInfo::server("BlobDownloadMiscError", "A resource file could not be downloaded")
        }
    };
    failure.with("FilePath", path).with("Reason", error.reason())
}

fn list_failure(error: &BlobError) -> FailureInfo {
    let failure = match error {
        BlobError::Denied(_) => FailureInfo::user(
            "ResourceContainerAccessDenied",
            "Access to a resource file's container is denied; its SAS needs read and list",
        ),
        BlobError::NotFound(_) => FailureInfo::user(
            "ResourceContainerNotFound",
            "A resource file's container does not exist",
        ),
        BlobError::TimedOut => FailureInfo::server(
            "ResourceContainerListTimedOut",
            "Listing a resource file's container timed out",
        ),
        _ => FailureInfo::server(
            "ResourceContainerListMiscError",
            "A resource file's container could not be listed",
        ),
    };
    failure.with("Reason", error.reason())
}
