//! Uploads a task's output files, before the task is completed.

mod selection;
mod upload_log;

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use tokio::task::spawn_blocking;

use super::NodeContext;
use super::access::Access;
use super::blob::{self, AT_ONCE, BlobError, Location, Storage};
use super::directory::TaskDirectory;
use super::pattern::Pattern;
use super::tree::Tree;
use crate::settings::WildcardBase;
use crate::store::task::FailureInfo;
use crate::wire::task::{OutputFile, UploadCondition};
use selection::{Match, Upload, expand, inside_task, matches};
use upload_log::{UploadLog, UploadTarget};

/// A task that ended and whose output files are to be uploaded.
pub(super) struct EndedTask<'a> {
    pub(super) directory: &'a TaskDirectory,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) succeeded: bool,
}

/// Uploads the output files whose upload condition is met.
///
/// # Errors
/// The failure of the first file that could not be uploaded; the others are uploaded all the same.
pub(super) async fn upload(
    context: &NodeContext,
    access: Access<'_>,
    outputs: &[OutputFile],
    ended: &EndedTask<'_>,
) -> Result<(), FailureInfo> {
    if outputs.is_empty() {
        return Ok(());
    }
    let mut log =
        UploadLog::create(ended.directory).map_err(|error| misc_failure(&error.to_string()))?;
    let mut result = Ok(());
    for output in outputs.iter().filter(|output| is_due(output, ended.succeeded)) {
        let uploaded = match prepare(context, access, output, ended) {
            Ok(transfer) => transfer.run(&context.storage, &mut log).await,
            Err(failure) => {
                log.failed(UploadTarget::of_pattern(&output.file_pattern), &failure);
                Err(failure)
            }
        };
        result = result.and(uploaded);
    }
    result
}

fn is_due(output: &OutputFile, succeeded: bool) -> bool {
    match output.upload_options.upload_condition {
        UploadCondition::Completion => true,
        UploadCondition::Success => succeeded,
        UploadCondition::Failure => !succeeded,
    }
}

/// The upload of one output file entry, which may match several files.
struct Transfer<'a> {
    output: &'a OutputFile,
    tree: Tree,
    pattern: Pattern,
    base: WildcardBase,
    container: Location,
}

fn prepare<'a>(
    context: &NodeContext,
    access: Access<'_>,
    output: &'a OutputFile,
    ended: &EndedTask<'_>,
) -> Result<Transfer<'a>, FailureInfo> {
    let to = &output.destination.container;
    let container = access
        .location(&to.container_url, to.identity_reference.as_ref())
        .map_err(|error| upload_failure(&error))?;
    if container.url.query_pairs().any(|(name, _)| name == "restype") {
        return Err(misc_failure("the container's URL has the query parameter restype"));
    }
    let text = expand(&output.file_pattern, ended.environment)
        .ok_or_else(|| misc_failure("the pattern is too long once its variables are replaced"))?;
    let pattern = inside_task(&text, ended.directory).ok_or_else(|| {
        misc_failure("the pattern leaves the task's directory").with("FilePattern", &*text)
    })?;
    let tree = ended.directory.tree().map_err(|error| misc_failure(&error.to_string()))?;
    let (pattern, base) = (Pattern::new(&pattern), context.wildcard_base);
    Ok(Transfer { output, tree, pattern, base, container })
}

impl Transfer<'_> {
    /// Uploads the files, several at once, and logs each.
    async fn run(self, storage: &Storage, log: &mut UploadLog) -> Result<(), FailureInfo> {
        log.begin(&self.output.file_pattern);
        let uploads = self.uploads(log).await?;
        let sent = stream::iter(uploads).map(|upload| self.send(storage, upload));
        let mut sent = sent.buffered(AT_ONCE);
        let mut result = Ok(());
        while let Some((upload, uploaded)) = sent.next().await {
            let target = UploadTarget::of(&self.output.file_pattern, &upload, &self.container.url);
            match &uploaded {
                Ok(()) => log.uploaded(&target),
                Err(failure) => log.failed(target, failure),
            }
            result = result.and(uploaded);
        }
        result
    }

    /// Returns the files to upload, and logs those that are skipped. Runs on a blocking thread,
    /// because there may be many files.
    async fn uploads(&self, log: &mut UploadLog) -> Result<Vec<Upload>, FailureInfo> {
        let (pattern, tree, base) = (self.pattern.clone(), self.tree.clone(), self.base);
        let path = self.output.destination.container.path.clone();
        let found = spawn_blocking(move || matches(&pattern, &tree, path.as_deref(), base)).await;
        let mut uploads = Vec::new();
        for one in found.map_err(|error| misc_failure(&error.to_string()))? {
            match one {
                Match::Upload(upload) => uploads.push(upload),
                Match::Skipped(file, reason) => log.skipped(&file, &reason),
            }
        }
        Ok(uploads)
    }

    async fn send(&self, storage: &Storage, upload: Upload) -> (Upload, Result<(), FailureInfo>) {
        let Some(to) = self.container.blob(&upload.blob) else {
            return (
                upload,
                Err(misc_failure("the container's URL cannot hold a blob of this name")),
            );
        };
        let headers = self.output.destination.container.upload_headers.as_deref();
        let from = (&self.tree, upload.file.as_path());
        let sent = blob::upload(storage, &to, from, headers.unwrap_or_default()).await;
        let sent = sent.map_err(|error| upload_failure(&error).with("FilePath", &*upload.blob));
        (upload, sent)
    }
}

fn misc_failure(reason: &str) -> FailureInfo {
    FailureInfo::server("FileUploadMiscError", "An output file could not be uploaded")
        .with("Reason", reason)
}

fn upload_failure(error: &BlobError) -> FailureInfo {
    let failure = match error {
        BlobError::Denied(_) => FailureInfo::user(
            "FileUploadAccessDenied",
            "Access to an output file's container is denied; its SAS needs write",
        ),
        BlobError::NotFound(_) => FailureInfo::user(
            "FileUploadContainerNotFound",
            "One of the specified Azure container(s) was not found while attempting to upload an output file",
        ),
        BlobError::Conflict(_) => {
            FailureInfo::user("FileUploadConflict", "An output file conflicts with a blob")
        }
        BlobError::TimedOut => {
            FailureInfo::server("FileUploadTimedOut", "The upload of an output file timed out")
        }
        BlobError::File(_) | BlobError::Other(_) => {
            FailureInfo::server("FileUploadMiscError", "An output file could not be uploaded")
        }
    };
    failure.with("Reason", error.reason())
}
