//! The node's log of uploads, in the task's directory: `fileuploadout.txt` and `fileuploaderr.txt`.
//! Neither contains the SAS of a URL.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use time::OffsetDateTime;
use url::Url;

use super::selection::Upload;
use crate::node::directory::TaskDirectory;
use crate::store::task::{Category, FailureInfo};
use crate::wire::time::log_time;

/// The two files. Errors of writing to them are ignored: the upload itself matters more.
pub(super) struct UploadLog {
    out: File,
    err: File,
    directory: TaskDirectory,
}

/// What was to be uploaded, and the destination.
pub(super) struct UploadTarget<'a> {
    pattern: &'a str,
    upload: Option<&'a Upload>,
    destination: Option<String>,
}

/// A line of `fileuploaderr.txt`.
#[derive(Serialize)]
struct Failed<'a> {
    code: &'a str,
    user_error: bool,
    pattern: &'a str,
    file: Option<String>,
    destination: Option<&'a str>,
    reason: String,
}

impl<'a> UploadTarget<'a> {
    /// Returns the target of a pattern for which nothing was uploaded.
    pub(super) fn of_pattern(pattern: &'a str) -> UploadTarget<'a> {
        UploadTarget { pattern, upload: None, destination: None }
    }

    /// Returns the target of a file.
    pub(super) fn of(pattern: &'a str, upload: &'a Upload, container: &Url) -> UploadTarget<'a> {
        let mut plain = container.clone();
        plain.set_query(None);
        let destination = format!("{}/{}", plain.as_str().trim_end_matches('/'), upload.blob);
        UploadTarget { pattern, upload: Some(upload), destination: Some(destination) }
    }
}

impl UploadLog {
    /// Creates both files.
    ///
    /// # Errors
    /// When they cannot be created.
    pub(super) fn create(directory: &TaskDirectory) -> io::Result<UploadLog> {
        let out = directory.stream("fileuploadout.txt")?;
        Ok(UploadLog {
            out,
            err: directory.stream("fileuploaderr.txt")?,
            directory: directory.clone(),
        })
    }

    pub(super) fn begin(&mut self, pattern: &str) {
        self.line(&format!("Uploading all files matching pattern {pattern}"));
    }

    pub(super) fn uploaded(&mut self, target: &UploadTarget<'_>) {
        let to = target.destination.as_deref().unwrap_or_default();
        self.line(&format!("Uploaded {} to {to}", self.file(target).unwrap_or_default()));
    }

    pub(super) fn failed(&mut self, target: UploadTarget<'_>, failure: &FailureInfo) {
        let details: Vec<&str> = failure.details.iter().map(|detail| &*detail.value).collect();
        let failed = Failed {
            code: failure.code,
            user_error: failure.category == Category::UserError,
            pattern: target.pattern,
            file: self.file(&target),
            destination: target.destination.as_deref(),
            reason: format!("{}: {}", failure.message, details.join("; ")),
        };
        let text = serde_json::to_string(&failed).unwrap_or_default();
        drop(writeln!(self.err, "{text}"));
        self.line(&format!("Failed with {}: {}", failed.code, failed.reason));
    }

    pub(super) fn skipped(&mut self, file: &Path, reason: &str) {
        self.line(&format!("Skipped {}: {reason}", self.inside(file)));
    }

    fn file(&self, target: &UploadTarget<'_>) -> Option<String> {
        target.upload.map(|upload| self.inside(&upload.file))
    }

    /// Returns the path of a file as the task sees it.
    fn inside(&self, file: &Path) -> String {
        self.directory.inside().join(file).display().to_string()
    }

    fn line(&mut self, text: &str) {
        drop(writeln!(self.out, "{} {text}", log_time(OffsetDateTime::now_utc())));
    }
}
