//! Puts the input files and the script into blob storage.

use std::sync::Arc;

use azure::blob::BlobContainer;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;

use crate::Invalid;
use crate::error::RunError;
use crate::event::{EventSender, Level};
use crate::names::RunNames;
use crate::plan::{Plan, Staged, TRANSFERS_AT_ONCE};
use crate::progress::{FileProgress, Progress};
use crate::refused::in_words;
use crate::working_dir::{Refusal, WorkingDir};

/// Inputs that are left out, each with a line of its own; the others are counted.
const MOST_NAMED: usize = 20;

/// The files to be staged, with their sizes.
struct Inputs {
    working_dir: Arc<WorkingDir>,
    files: Vec<(String, u64)>,
}

/// Uploads everything, or fails with the name of the file that could not be.
///
/// The script goes first. A worker that takes over removes it before the other blobs, so whoever still finds it has
/// all its files. Repeating this is safe: the names are the run's own, and a blob is replaced as a whole.
/// Returns the number of input files and their bytes.
pub(crate) async fn stage_in(
    plan: &Plan,
    staged: &Staged,
    names: &RunNames,
    events: &EventSender,
) -> Result<(usize, u64), RunError> {
    let inputs = look_at_inputs(plan, staged, events).await?;
    let (count, bytes) = (inputs.files.len(), inputs.files.iter().map(|(_, size)| size).sum());
    let script = Bytes::from(staged.script.clone());
    staged.container.put_bytes(&names.script(), script).await?;
    let progress = Progress::staging(count as u64, bytes);
    let uploads = upload_all(staged, names, inputs, &progress);
    progress.report_during(events, uploads).await?;
    Ok((count, bytes))
}

/// Whether the staged files are there. Where another worker has taken this one for dead and the task run over, it has
/// removed them.
pub(crate) async fn is_staged(staged: &Staged, names: &RunNames) -> azure::Result<bool> {
    Ok(staged.container.get_range(&names.script(), 0, 1).await?.is_some())
}

/// Before anything is created: what cannot be taken is refused, and what has no bytes to take is left out and named.
async fn look_at_inputs(
    plan: &Plan,
    staged: &Staged,
    events: &EventSender,
) -> Result<Inputs, RunError> {
    let (path, names) = (plan.local_working_dir.clone(), staged.inputs.clone());
    let looking = spawn_blocking(move || {
        let working_dir = Arc::new(WorkingDir::open(&path).map_err(Refusal::Io)?);
        let sizes = names.into_iter().map(|name| (working_dir.size(&name), name)).collect();
        Ok((working_dir, sizes))
    });
    let looked: Result<(_, Vec<_>), Refusal> = looking.await.map_err(crashed)?;
    let (working_dir, sizes) = looked.map_err(|refusal| refused(".", refusal))?;
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for (size, name) in sizes {
        match size {
            Ok(size) => files.push((name, size)),
            Err(Refusal::NotAFile(kind)) => left_out.push(format!("'{name}' is {kind}")),
            Err(refusal) => return Err(refused(&name, refusal)),
        }
    }
    tell_left_out(&left_out, events).await?;
    Ok(Inputs { working_dir, files })
}

async fn tell_left_out(left_out: &[String], events: &EventSender) -> Result<(), RunError> {
    for what in left_out.iter().take(MOST_NAMED) {
        let message = format!("inputFiles: {what} and is not available to the task");
        events.note(Level::Warn, message).await?;
    }
    let others = left_out.len().saturating_sub(MOST_NAMED);
    if others > 0 {
        let message = format!("inputFiles: {others} more are not regular files");
        events.note(Level::Warn, message).await?;
    }
    Ok(())
}

fn refused(name: &str, refusal: Refusal) -> RunError {
    match refusal {
        Refusal::LeadsOut => RunError::Invalid(Invalid::new(
            "inputFiles",
            format!(
                "'{name}' leads out of the working directory through a link; \
                 put the file itself there, or remove the link"
            ),
        )),
        refusal => {
            let error = std::io::Error::from(refusal);
            RunError::Failed(format!("inputFiles: '{name}' could not be staged: {error}"))
        }
    }
}

/// After a failure no other upload begins.
async fn upload_all(
    staged: &Staged,
    names: &RunNames,
    inputs: Inputs,
    progress: &Arc<Progress>,
) -> Result<(), RunError> {
    let Inputs { working_dir, files } = inputs;
    let uploads = stream::iter(files).map(|(file, size)| {
        let (working_dir, progress) = (Arc::clone(&working_dir), progress.file());
        upload(&staged.container, names.input(&file), file, size, working_dir, progress)
    });
    uploads.buffer_unordered(TRANSFERS_AT_ONCE).try_collect().await
}

async fn upload(
    container: &BlobContainer,
    blob: String,
    file: String,
    size: u64,
    working_dir: Arc<WorkingDir>,
    progress: Arc<FileProgress>,
) -> Result<(), RunError> {
    let (name, reading) = (file.clone(), Arc::clone(&progress));
    let read = Arc::new(move |start, size| {
        // What is before this part has been sent.
        reading.reached(start);
        working_dir.read(&name, start, size)
    });
    container.put_file(&blob, size, read).await.map_err(|error| {
        let reason = in_words(&error);
        RunError::Failed(format!("inputFiles: '{file}' could not be staged: {reason}"))
    })?;
    progress.done(size);
    Ok(())
}

fn crashed(error: tokio::task::JoinError) -> RunError {
    RunError::Failed(format!("inputFiles: the working directory could not be read: {error}"))
}
