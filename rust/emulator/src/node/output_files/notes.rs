//! What the node notes about uploads, beside the task's own output: `fileuploadout.txt` and
//! `fileuploaderr.txt`. Neither has the SAS of a URL.

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

/// The two files. A note that cannot be written is lost; the upload itself matters more.
pub(super) struct Notes {
    out: File,
    err: File,
    directory: TaskDirectory,
}

/// What was to be uploaded and where to.
pub(super) struct Place<'a> {
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

impl<'a> Place<'a> {
    /// A pattern that came to no upload.
    pub(super) fn of_pattern(pattern: &'a str) -> Place<'a> {
        Place { pattern, upload: None, destination: None }
    }

    /// A file and its blob in a container.
    pub(super) fn of(pattern: &'a str, upload: &'a Upload, container: &Url) -> Place<'a> {
        let mut plain = container.clone();
        plain.set_query(None);
        let destination = format!("{}/{}", plain.as_str().trim_end_matches('/'), upload.blob);
        Place { pattern, upload: Some(upload), destination: Some(destination) }
    }
}

impl Notes {
    /// Both files, empty.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(super) fn create(directory: &TaskDirectory) -> io::Result<Notes> {
        let out = directory.stream("fileuploadout.txt")?;
        Ok(Notes { out, err: directory.stream("fileuploaderr.txt")?, directory: directory.clone() })
    }

    pub(super) fn begin(&mut self, pattern: &str) {
        self.line(&format!("Uploading all files matching pattern {pattern}"));
    }

    pub(super) fn uploaded(&mut self, place: &Place<'_>) {
        let to = place.destination.as_deref().unwrap_or_default();
        self.line(&format!("Uploaded {} to {to}", self.file(place).unwrap_or_default()));
    }

    pub(super) fn failed(&mut self, place: Place<'_>, failure: &FailureInfo) {
        let details: Vec<&str> = failure.details.iter().map(|detail| &*detail.value).collect();
        let failed = Failed {
            code: failure.code,
            user_error: failure.category == Category::UserError,
            pattern: place.pattern,
            file: self.file(&place),
            destination: place.destination.as_deref(),
            reason: format!("{}: {}", failure.message, details.join("; ")),
        };
        let text = serde_json::to_string(&failed).unwrap_or_default();
        drop(writeln!(self.err, "{text}"));
        self.line(&format!("Failed with {}: {}", failed.code, failed.reason));
    }

    pub(super) fn skipped(&mut self, file: &Path, reason: &str) {
        self.line(&format!("Skipped {}: {reason}", self.inside(file)));
    }

    fn file(&self, place: &Place<'_>) -> Option<String> {
        place.upload.map(|upload| self.inside(&upload.file))
    }

    /// The file as the task sees it.
    fn inside(&self, file: &Path) -> String {
        self.directory.inside().join(file).display().to_string()
    }

    fn line(&mut self, text: &str) {
        drop(writeln!(self.out, "{} {text}", log_time(OffsetDateTime::now_utc())));
    }
}
