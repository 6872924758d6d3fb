//! Brings output files back into the Kestra task's working directory.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use azure::blob::BlobItem;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;

use crate::error::RunError;
use crate::event::{EventSender, Level};
use crate::names::RunNames;
use crate::outputs::Output;
use crate::plan::{Plan, Staged, TRANSFERS_AT_ONCE};
use crate::refused::in_words;
use crate::working_dir::WorkingDir;

/// A blob, and the name of the file in the container's working directory.
struct File {
    blob: String,
    size: u64,
    name: String,
}

/// Downloads what the node uploaded for each output pattern. Returns the number of files.
pub(crate) async fn collect(
    plan: &Plan,
    staged: &Staged,
    names: &RunNames,
    events: &EventSender,
) -> Result<usize, RunError> {
    let mut missing: HashSet<&String> = staged.wanted.expected().iter().collect();
    let working_dir = open(plan).await?;
    let mut count = 0;
    for output in staged.wanted.outputs(names) {
        let mut pages = staged.container.pages(&output.destination);
        // Page by page: a task may make any number of files.
        while let Some(page) = pages.next().await? {
            let files: Vec<_> = page.into_iter().filter_map(|blob| find(&output, blob)).collect();
            for file in &files {
                missing.remove(&file.name);
            }
            count += files.len();
            download_all(staged, &working_dir, files).await?;
        }
    }
    for name in staged.wanted.expected().iter().filter(|name| missing.contains(name)) {
        let message = format!("outputFiles: the task did not create '{name}'");
        events.note(Level::Warn, message).await?;
    }
    Ok(count)
}

async fn open(plan: &Plan) -> Result<Arc<WorkingDir>, RunError> {
    let path = plan.local_working_dir.clone();
    let opened = spawn_blocking(move || WorkingDir::open(&path)).await;
    opened.map_err(io::Error::other).flatten().map(Arc::new).map_err(|error| {
        RunError::Failed(format!("outputFiles: the working directory cannot be opened: {error}"))
    })
}

fn find(output: &Output, blob: BlobItem) -> Option<File> {
    if blob.is_directory_marker {
        return None;
    }
    let name = output.file_name(&blob.name)?;
    Some(File { blob: blob.name, size: blob.size, name })
}

async fn download_all(
    staged: &Staged,
    working_dir: &Arc<WorkingDir>,
    files: Vec<File>,
) -> Result<(), RunError> {
    let downloads = stream::iter(files).map(|file| {
        let name = staged.wanted.local_name(&file.name);
        async move {
            download(staged, working_dir, &file, &name).await.map_err(|error| {
                RunError::Failed(format!(
                    "outputFiles: '{name}' could not be brought back: {error}"
                ))
            })
        }
    });
    downloads.buffer_unordered(TRANSFERS_AT_ONCE).try_collect().await
}

/// The names come from a container that others can write to: the working directory lets none lead out.
async fn download(
    staged: &Staged,
    working_dir: &Arc<WorkingDir>,
    file: &File,
    name: &str,
) -> Result<(), String> {
    let (working_dir, name) = (Arc::clone(working_dir), name.to_owned());
    let new = on_disk(move || Ok(Arc::new(working_dir.create(&name)?))).await?;
    let target = Arc::clone(&new);
    let write = Arc::new(move |bytes: &[u8]| (&target.file).write_all(bytes));
    let got = staged.container.get_file(&file.blob, file.size, write).await;
    got.map_err(|error| in_words(&error))?;
    on_disk(move || new.persist()).await
}

/// What may wait for a disk.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, String> {
    let done = spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|error| format!("the file cannot be written: {error}"))
}
