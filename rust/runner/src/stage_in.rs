//! Puts the input files and the script into blob storage.

use std::sync::Arc;

use azure::blob::BlobContainer;
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::task::spawn_blocking;

use crate::Invalid;
use crate::claims::Claims;
use crate::event::{Events, Level};
use crate::halt::Halt;
use crate::plan::{Plan, Staged, TRANSFERS_AT_ONCE};
use crate::refused::in_words;
use crate::stops::let_arrive;
use crate::working_dir::{Refusal, WorkingDir};

/// Inputs that are left out, each with a line of its own; the others are counted.
const TOLD: usize = 20;

/// The files to be staged, with their sizes.
struct Inputs {
    working_dir: Arc<WorkingDir>,
    files: Vec<(String, u64)>,
}

/// Uploads everything, or fails with the name of the file that could not be.
///
/// Repeating it is safe: the names are the run's own, and a blob is replaced as a whole.
/// Returns the number of input files and their bytes.
pub(crate) async fn stage_in(
    plan: &Plan,
    staged: &Staged,
    events: &Events,
) -> Result<(usize, u64), Halt> {
    let inputs = look_at_inputs(plan, staged, events).await?;
    if let Some(claims) = Claims::of(plan) {
        claims.add(&staged.names).await?;
    }
    let (count, bytes) = (inputs.files.len(), inputs.files.iter().map(|(_, size)| size).sum());
    upload_all(staged, inputs).await?;
    let script = Bytes::from(staged.script.clone());
    staged.container.put_bytes(&staged.names.script(), script).await?;
    require_claim(plan, staged).await?;
    Ok((count, bytes))
}

/// Before anything is created: what cannot be taken is refused, and what has no bytes to take is left out and named.
async fn look_at_inputs(plan: &Plan, staged: &Staged, events: &Events) -> Result<Inputs, Halt> {
    let (path, names) = (plan.local_dir.clone(), staged.inputs.clone());
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

async fn tell_left_out(left_out: &[String], events: &Events) -> Result<(), Halt> {
    for what in left_out.iter().take(TOLD) {
        let message = format!("inputFiles: {what} and is not available to the task");
        events.note(Level::Warn, message).await?;
    }
    let others = left_out.len().saturating_sub(TOLD);
    if others > 0 {
        let message = format!("inputFiles: {others} more are not regular files");
        events.note(Level::Warn, message).await?;
    }
    Ok(())
}

fn refused(name: &str, refusal: Refusal) -> Halt {
    match refusal {
        Refusal::LeadsOut => Halt::Invalid(Invalid::new(
            "inputFiles",
            format!(
                "'{name}' leads out of the working directory through a link; \
                 put the file itself there, or remove the link"
            ),
        )),
        refusal => {
            let error = std::io::Error::from(refusal);
            Halt::Failed(format!("inputFiles: '{name}' could not be staged: {error}"))
        }
    }
}

/// After a failure no other upload begins, and those under way may arrive.
async fn upload_all(staged: &Staged, Inputs { working_dir, files }: Inputs) -> Result<(), Halt> {
    let uploads = stream::iter(files).map(|(file, size)| {
        let blob = staged.names.input(&file);
        upload(&staged.container, blob, file, size, Arc::clone(&working_dir))
    });
    let mut uploads = uploads.buffer_unordered(TRANSFERS_AT_ONCE);
    while let Some(uploaded) = uploads.next().await {
        if let Err(halt) = uploaded {
            let_arrive(&staged.container, uploads.for_each(async |_| {})).await;
            return Err(halt);
        }
    }
    Ok(())
}

async fn upload(
    container: &BlobContainer,
    blob: String,
    file: String,
    size: u64,
    working_dir: Arc<WorkingDir>,
) -> Result<(), Halt> {
    let name = file.clone();
    let read = Arc::new(move |start, size| working_dir.read(&name, start, size));
    container.put_file(&blob, size, read).await.map_err(|error| {
        let reason = in_words(&error);
        Halt::Failed(format!("inputFiles: '{file}' could not be staged: {reason}"))
    })
}

/// A worker that was slow is taken for dead, and its files are removed: no job may run without them.
async fn require_claim(plan: &Plan, staged: &Staged) -> Result<(), Halt> {
    let Some(claims) = Claims::of(plan) else { return Ok(()) };
    if claims.holds(&staged.names).await? {
        return Ok(());
    }
    let message = "Another worker has taken this task run over and removed its staged files";
    Err(Halt::Failed(message.to_owned()))
}

fn crashed(error: tokio::task::JoinError) -> Halt {
    Halt::Failed(format!("inputFiles: the working directory could not be read: {error}"))
}
