//! Puts the input files and the script into blob storage.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use crate::claims::Claims;
use crate::halt::Halt;
use crate::plan::{Plan, Staged, TRANSFERS_AT_ONCE};

/// Uploads everything, or fails with the name of the file that could not be.
///
/// Repeating it is safe: the names are the run's own, and a blob is replaced as a whole.
/// Gives the number of input files and their bytes.
pub(crate) async fn stage_in(plan: &Plan, staged: &Staged) -> Result<(usize, u64), Halt> {
    if let Some(claims) = Claims::of(plan) {
        claims.add(&staged.names).await?;
    }
    let bytes = stream::iter(staged.inputs.iter().cloned())
        .map(|file| upload(plan, staged, file))
        .buffer_unordered(TRANSFERS_AT_ONCE)
        .try_fold(0, |sum, size| async move { Ok(sum + size) })
        .await?;
    let script = Bytes::from(staged.script.clone());
    staged.container.put_bytes(&staged.names.script(), script).await?;
    require_claim(plan, staged).await?;
    Ok((staged.inputs.len(), bytes))
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

async fn upload(plan: &Plan, staged: &Staged, file: String) -> Result<u64, Halt> {
    let path = plan.local_dir.join(&file);
    staged
        .container
        .put_file(&staged.names.input(&file), &path)
        .await
        .map_err(|error| Halt::Failed(format!("inputFiles: '{file}' could not be staged: {error}")))
}
