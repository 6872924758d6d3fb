//! Brings output files back into the Kestra task's working directory.

use std::path::{Component, Path};

use futures::{StreamExt, TryStreamExt, stream};

use crate::halt::Halt;
use crate::plan::{Plan, Staged};
use crate::stage_in::TRANSFERS_AT_ONCE;

/// Downloads what the node uploaded for each output pattern. Gives the number of files.
pub(crate) async fn collect(plan: &Plan, staged: &Staged) -> Result<usize, Halt> {
    let mut files = Vec::new();
    for output in &staged.outputs {
        for blob in staged.container.list(&output.destination).await? {
            match output.local_name(&blob.name) {
                Some(name) if !blob.is_directory_marker => files.push((blob.name, name)),
                _ => {}
            }
        }
    }
    let count = files.len();
    stream::iter(files)
        .map(|(blob, name)| download(plan, staged, blob, name))
        .buffer_unordered(TRANSFERS_AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(count)
}

async fn download(plan: &Plan, staged: &Staged, blob: String, name: String) -> Result<(), Halt> {
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
