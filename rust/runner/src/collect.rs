//! Brings output files back into the Kestra task's working directory.

use std::path::{Component, Path};

use futures::{StreamExt, TryStreamExt, stream};

use crate::event::{Events, Level};
use crate::halt::Halt;
use crate::outputs::Output;
use crate::plan::{Plan, Staged, TRANSFERS_AT_ONCE};

/// A blob, and the name of the file in the container's working directory.
struct File {
    blob: String,
    name: String,
}

/// Downloads what the node uploaded for each output pattern. Gives the number of files.
pub(crate) async fn collect(plan: &Plan, staged: &Staged, events: &Events) -> Result<usize, Halt> {
    let mut files = Vec::new();
    for output in staged.wanted.outputs(&staged.names) {
        files.extend(find(staged, &output).await?);
    }
    let missing = staged
        .wanted
        .expected()
        .iter()
        .filter(|name| !files.iter().any(|file| file.name == **name));
    for name in missing {
        let message = format!("outputFiles: the task made no '{name}'");
        events.note(Level::Warn, message).await?;
    }
    let count = files.len();
    stream::iter(files)
        .map(|file| download(plan, staged, file))
        .buffer_unordered(TRANSFERS_AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(count)
}

async fn find(staged: &Staged, output: &Output) -> Result<Vec<File>, Halt> {
    let blobs = staged.container.list(&output.destination).await?;
    let files = blobs.into_iter().filter(|blob| !blob.is_directory_marker);
    let named = files.filter_map(|blob| {
        let name = output.file_name(&blob.name)?;
        Some(File { blob: blob.name, name })
    });
    Ok(named.collect())
}

async fn download(plan: &Plan, staged: &Staged, file: File) -> Result<(), Halt> {
    let File { blob, name } = file;
    let name = staged.wanted.local_name(&name);
    if !stays_inside(&name) {
        return Err(Halt::Failed(format!(
            "outputFiles: the blob '{blob}' would be written outside the working directory"
        )));
    }
    let path = plan.local_dir.join(&name);
    staged.container.get_to_file(&blob, &path).await.map(drop).map_err(|error| {
        Halt::Failed(format!("outputFiles: '{name}' could not be brought back: {error}"))
    })
}

/// The names come from a container that others can write to.
fn stays_inside(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_name_cannot_leave_the_working_directory() {
        assert!(stays_inside("a/b c/.d"));
        for bad in ["../a", "/etc/passwd", "a/../../b"] {
            assert!(!stays_inside(bad), "{bad}");
        }
    }
}
