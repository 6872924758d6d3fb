//! Uploads a task's output files after it ended and before it is completed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use futures::{StreamExt, stream};
use url::Url;
use walkdir::WalkDir;

use super::Site;
use super::blob::{self, AT_ONCE, BlobError, Storage};
use super::directory::{TaskDirectory, real_inside};
use super::pattern::Pattern;
use crate::settings::WildcardBase;
use crate::store::task::FailureInfo;
use crate::wire::task::{OutputFile, UploadCondition};

/// A file and its blob.
struct Upload {
    file: PathBuf,
    blob: String,
}

/// The node's notes on uploads, next to the task's own output.
struct Notes {
    out: File,
    err: File,
}

/// Uploads what the conditions of the output files ask for.
///
/// # Errors
/// The failure of the first output file that could not be uploaded; the others are tried too.
pub(super) async fn upload(
    site: &Site,
    outputs: &[OutputFile],
    directory: &TaskDirectory,
    environment: &BTreeMap<String, String>,
    succeeded: bool,
) -> Result<(), FailureInfo> {
    let due: Vec<_> = outputs.iter().filter(|output| is_due(output, succeeded)).collect();
    if due.is_empty() {
        return Ok(());
    }
    let mut notes = Notes::create(directory).map_err(|error| misc_failure(&error.to_string()))?;
    let mut result = Ok(());
    for output in due {
        let uploaded = upload_one(site, output, directory, environment, &mut notes).await;
        if let Err(failure) = &uploaded {
            notes.error(failure);
        }
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

async fn upload_one(
    site: &Site,
    output: &OutputFile,
    directory: &TaskDirectory,
    environment: &BTreeMap<String, String>,
    notes: &mut Notes,
) -> Result<(), FailureInfo> {
    let container = container_url(&output.destination.container.container_url)?;
    let text = expand(&output.file_pattern, environment);
    let pattern = inside_task(&text, directory).ok_or_else(|| {
        misc_failure("the pattern leaves the task's directory").with("FilePattern", &*text)
    })?;
    let path = output.destination.container.path.as_deref();
    let uploads = uploads(&Pattern::new(&pattern), directory, path, site.wildcard_base);
    let sent = stream::iter(uploads).map(|upload| send(&site.storage, &container, upload));
    let mut sent = sent.buffered(AT_ONCE);
    while let Some(blob) = sent.next().await {
        notes.line(&format!("uploaded {}", blob?));
    }
    Ok(())
}

/// Uploads one file and gives the name of its blob.
async fn send(storage: &Storage, container: &Url, upload: Upload) -> Result<String, FailureInfo> {
    let url = blob::blob_url(container, &upload.blob)
        .ok_or_else(|| misc_failure("the container's URL cannot hold blobs"))?;
    let sent = blob::upload(storage, url, &upload.file).await;
    sent.map_err(|error| upload_failure(&error).with("FilePath", &*upload.blob))?;
    Ok(upload.blob)
}

/// The container's URL with its SAS. One with `restype` is refused, as real accounts do.
fn container_url(text: &str) -> Result<Url, FailureInfo> {
    let url = Url::parse(text).map_err(|error| misc_failure(&error.to_string()))?;
    match url.query_pairs().any(|(name, _)| name == "restype") {
        true => Err(misc_failure("the container's URL has the query parameter restype")),
        false => Ok(url),
    }
}

/// The pattern with `$NAME` replaced by the task's variables; unknown ones stay.
fn expand(pattern: &str, environment: &BTreeMap<String, String>) -> String {
    let mut parts = pattern.split('$');
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        match environment.get(&part[..end]) {
            Some(value) => expanded.extend([value.as_str(), &part[end..]]),
            None => expanded.extend(["$", part]),
        }
    }
    expanded
}

/// The pattern relative to the task's directory: `*.txt` becomes `wd/*.txt`, `../stdout.txt`
/// becomes `stdout.txt`. `None` if it leaves that directory.
fn inside_task(pattern: &str, directory: &TaskDirectory) -> Option<String> {
    let inside = format!("{}/", directory.inside().display());
    let relative = match pattern.strip_prefix(&inside) {
        Some(rest) => rest.to_owned(),
        None if pattern.starts_with('/') => return None,
        None => format!("wd/{pattern}"),
    };
    let mut names = Vec::new();
    for name in relative.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// The files that a pattern means and the blobs they become.
fn uploads(
    pattern: &Pattern,
    directory: &TaskDirectory,
    path: Option<&str>,
    base: WildcardBase,
) -> Vec<Upload> {
    match pattern.literal() {
        Some(relative) => {
            let file = directory.host.join(&relative);
            let name = without_base(&relative, "wd").rsplit_once("../").map_or_else(
                || without_base(&relative, "wd").to_owned(),
                |(_, name)| name.to_owned(),
            );
            let blob = path.map_or(name, str::to_owned);
            is_own_file(&directory.host, &file)
                .then_some(Upload { file, blob })
                .into_iter()
                .collect()
        }
        None => matching(pattern, &directory.host)
            .map(|relative| Upload {
                file: directory.host.join(&relative),
                blob: blob_name(sub_path(&relative, pattern, base), path),
            })
            .collect(),
    }
}

fn matching<'a>(pattern: &'a Pattern, root: &'a Path) -> impl Iterator<Item = String> + 'a {
    let entries = WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter().flatten();
    entries.filter(|entry| is_own_file(root, entry.path())).filter_map(move |entry| {
        let relative = entry.path().strip_prefix(root).ok()?.to_str()?.to_owned();
        pattern.matches(&relative).then_some(relative)
    })
}

/// A link may lead to a file of this machine that the task itself cannot see.
fn is_own_file(root: &Path, file: &Path) -> bool {
    real_inside(root, file).is_some_and(|real| real.is_file())
}

/// What a wildcard keeps of a file's path. Of files beside `wd` it always begins after the
/// pattern's fixed directories.
fn sub_path<'a>(relative: &'a str, pattern: &Pattern, base: WildcardBase) -> &'a str {
    match base {
        WildcardBase::WorkingDirectory if relative.starts_with("wd/") => {
            without_base(relative, "wd")
        }
        _ => without_base(relative, &pattern.fixed_directory()),
    }
}

/// With a wildcard `path` is a directory, in which the sub-path is kept.
fn blob_name(kept: &str, path: Option<&str>) -> String {
    match path.map(|path| path.trim_end_matches('/')).filter(|path| !path.is_empty()) {
        Some(path) => format!("{path}/{kept}"),
        None => kept.to_owned(),
    }
}

fn without_base<'a>(path: &'a str, base: &str) -> &'a str {
    path.strip_prefix(base).map_or(path, |rest| rest.trim_start_matches('/'))
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
            "The container of an output file does not exist",
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

impl Notes {
    fn create(directory: &TaskDirectory) -> io::Result<Notes> {
        let out = directory.stream("fileuploadout.txt")?;
        Ok(Notes { out, err: directory.stream("fileuploaderr.txt")? })
    }

    /// A note that cannot be written is lost; the upload itself matters more.
    fn line(&mut self, text: &str) {
        drop(writeln!(self.out, "{text}"));
    }

    fn error(&mut self, failure: &FailureInfo) {
        let details: Vec<&str> = failure.details.iter().map(|detail| &*detail.value).collect();
        drop(writeln!(self.err, "{}: {}: {}", failure.code, failure.message, details.join("; ")));
    }
}
