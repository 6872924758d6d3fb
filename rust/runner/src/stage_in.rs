//! Puts the input files and the script into blob storage.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azure::blob::{BlobContainer, Source};
use azure::blocking;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use crate::Invalid;
use crate::error::RunError;
use crate::event::{EventSender, Level};
use crate::inputs::{InputFile, Inputs};
use crate::names::RunNames;
use crate::plan::{Plan, Staged, TRANSFERS_AT_ONCE};
use crate::progress::{FileProgress, Progress};
use crate::refused::in_words;
use crate::working_dir::{Contents, MAX_ENTRIES, MAX_PATH, Refusal, WorkingDir};

/// Inputs that are left out, each with a line of its own; the others are counted.
const MOST_NAMED: usize = 20;

/// Characters of a name in a message.
const MOST_PRINTED: usize = 500;

/// What is to be staged.
pub(crate) struct Found {
    working_dir: Arc<WorkingDir>,
    pub(crate) inputs: Inputs,
}

/// Paths, and what each of them is.
type LeftOut = Vec<(PathBuf, &'static str)>;

/// Uploads everything, or fails with the name of the file that could not be.
///
/// The script goes first. A worker that takes over removes it before the other blobs, so whoever still finds it has
/// all its files. Repeating this is safe: the names are the run's own, and a blob is replaced as a whole.
/// Returns the number of input files and their bytes.
pub(crate) async fn stage_in(
    staged: &Staged,
    names: &RunNames,
    found: Found,
    events: &EventSender,
) -> Result<(usize, u64), RunError> {
    let files = &found.inputs.files;
    let (count, bytes) = (files.len(), files.iter().map(|file| file.size).sum());
    let script = staged.script.staged_text(&found.inputs, &names.inputs());
    staged.files.container.put_bytes(&names.script(), Bytes::from(script)).await?;
    let progress = Progress::staging(count as u64, bytes);
    progress.report_during(events, upload_all(staged, names, found, &progress)).await?;
    Ok((count, bytes))
}

/// Whether the staged files are there. Where another worker has taken this one for dead and the task run over, it has
/// removed them.
pub(crate) async fn is_staged(staged: &Staged, names: &RunNames) -> azure::Result<bool> {
    Ok(staged.files.container.get_range(&names.script(), 0, 1).await?.is_some())
}

/// Before anything is created: what cannot be taken is refused, and what has no bytes to take is left out and named.
pub(crate) async fn look_at_inputs(plan: &Plan, events: &EventSender) -> Result<Found, RunError> {
    let (found, left_out) = walk(plan).await?;
    tell_left_out(&left_out, events).await?;
    Ok(found)
}

/// Without blob storage no file goes in.
pub(crate) async fn warn_of_inputs(plan: &Plan, events: &EventSender) -> Result<(), RunError> {
    let count = match walk(plan).await {
        Ok((found, _)) if found.inputs.files.is_empty() => return Ok(()),
        Ok((found, _)) => format!("{} ", found.inputs.files.len()),
        // Whatever is wrong with one of them is not in the way of this run.
        Err(RunError::Invalid(_)) => String::new(),
        Err(_) => return Ok(()),
    };
    let message =
        format!("blobStorage is not set: the {count}input files are not available to the task");
    Ok(events.note(Level::Warn, message).await?)
}

/// What is there, and what has to be left out.
async fn walk(plan: &Plan) -> Result<(Found, LeftOut), RunError> {
    let (path, output_dir) = (plan.local_working_dir.clone(), plan.local_output_dir.clone());
    let names = plan.names.clone();
    let walking = blocking::begin(move || {
        let working_dir =
            WorkingDir::open(&path).map_err(|error| (PathBuf::new(), error.into()))?;
        let Contents { entries, left_out } = working_dir.walk(output_dir.as_deref())?;
        let inputs = Inputs::new(entries, &names);
        Ok((Found { working_dir: Arc::new(working_dir), inputs }, left_out))
    });
    let walked: Result<_, (PathBuf, Refusal)> = walking.await.await.map_err(crashed)?;
    walked.map_err(|(path, refusal)| refused(&path, refusal))
}

async fn tell_left_out(
    left_out: &[(PathBuf, &'static str)],
    events: &EventSender,
) -> Result<(), RunError> {
    for (path, what) in left_out.iter().take(MOST_NAMED) {
        let name = printable(path);
        let message = format!("inputFiles: '{name}' is {what} and is not available to the task");
        events.note(Level::Warn, message).await?;
    }
    let others = left_out.len().saturating_sub(MOST_NAMED);
    if others > 0 {
        let message = format!("inputFiles: {others} more are not available to the task either");
        events.note(Level::Warn, message).await?;
    }
    Ok(())
}

fn refused(path: &Path, refusal: Refusal) -> RunError {
    let name = printable(path);
    let reason = match refusal {
        Refusal::LeadsOut => format!(
            "'{name}' leads out of the working directory through a link; \
             put the file itself there, or remove the link"
        ),
        Refusal::TooLong => format!(
            "'{name}' is a path of more than {MAX_PATH} bytes, which a node cannot hold; \
             use shorter names or fewer directories"
        ),
        Refusal::TooMany => format!(
            "the working directory holds more than {MAX_ENTRIES} files and directories (counted up to '{name}'); \
             pack them into an archive, or remove links to directories, whose files count under each link"
        ),
        refusal => {
            let error = io::Error::from(refusal);
            return RunError::Failed(match &*name {
                "" => format!("inputFiles: the working directory cannot be read: {error}"),
                name => format!("inputFiles: '{name}' could not be staged: {error}"),
            });
        }
    };
    RunError::Invalid(Invalid::new("inputFiles", reason))
}

/// A name may hold what breaks a line, and be long.
fn printable(path: &Path) -> String {
    let text = path.to_string_lossy();
    let start = text.chars().take(MOST_PRINTED);
    let mut printable = String::new();
    for c in start {
        if c.is_control() { printable.extend(c.escape_default()) } else { printable.push(c) }
    }
    if text.chars().count() > MOST_PRINTED { printable + "…" } else { printable }
}

/// After a failure no other upload begins.
async fn upload_all(
    staged: &Staged,
    names: &RunNames,
    found: Found,
    progress: &Arc<Progress>,
) -> Result<(), RunError> {
    let Found { working_dir, inputs } = found;
    let uploads = stream::iter(inputs.files).map(|file| {
        let (working_dir, progress) = (Arc::clone(&working_dir), progress.file());
        upload(&staged.files.container, file.blob(names), file, working_dir, progress)
    });
    uploads.buffer_unordered(TRANSFERS_AT_ONCE).try_collect().await
}

/// An input file on its way.
struct File {
    path: PathBuf,
    working_dir: Arc<WorkingDir>,
    progress: Arc<FileProgress>,
}

impl Source for File {
    fn read(&self, start: u64, size: u64) -> io::Result<Vec<u8>> {
        self.working_dir.read(&self.path, start, size)
    }

    fn sent(&self, bytes: u64) {
        self.progress.advance(bytes);
    }
}

async fn upload(
    container: &BlobContainer,
    blob: String,
    InputFile { path, size, .. }: InputFile,
    working_dir: Arc<WorkingDir>,
    progress: Arc<FileProgress>,
) -> Result<(), RunError> {
    let (name, file) =
        (printable(&path), File { path, working_dir, progress: Arc::clone(&progress) });
    container.put_file(&blob, size, Arc::new(file)).await.map_err(|error| {
        let reason = in_words(&error);
        RunError::Failed(format!("inputFiles: '{name}' could not be staged: {reason}"))
    })?;
    progress.done(size);
    Ok(())
}

fn crashed(error: tokio::task::JoinError) -> RunError {
    RunError::Failed(format!("inputFiles: the working directory could not be read: {error}"))
}
