//! Puts the input files and the script into blob storage.

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::claims::Claims;
use crate::halt::Halt;
use crate::plan::{Plan, Staged, TRANSFERS_AT_ONCE};
use crate::stops::ARRIVING;

/// Uploads everything, or fails with the name of the file that could not be.
///
/// Repeating it is safe: the names are the run's own, and a blob is replaced as a whole.
/// Gives the number of input files and their bytes.
pub(crate) async fn stage_in(plan: &Plan, staged: &Staged) -> Result<(usize, u64), Halt> {
    if let Some(claims) = Claims::of(plan) {
        plan.writes.make(claims.add(&staged.names)).await?;
    }
    let bytes = upload_all(plan, staged).await?;
    let script = Bytes::from(staged.script.clone());
    plan.writes.make(staged.container.put_bytes(&staged.names.script(), script)).await?;
    require_claim(plan, staged).await?;
    Ok((staged.inputs.len(), bytes))
}

/// Gives the bytes of all files. After a failure no other upload begins, and those under way may arrive.
async fn upload_all(plan: &Plan, staged: &Staged) -> Result<u64, Halt> {
    let failed = CancellationToken::new();
    let files = stream::iter(staged.inputs.iter().cloned()).take_until(failed.cancelled().boxed());
    let uploads = files.map(|file| upload(plan, staged, file));
    let mut sizes = uploads.buffer_unordered(TRANSFERS_AT_ONCE);
    let mut bytes = 0;
    while let Some(size) = sizes.next().await {
        match size {
            Ok(size) => bytes += size,
            Err(halt) => {
                failed.cancel();
                timeout(ARRIVING, sizes.count()).await.ok();
                return Err(halt);
            }
        }
    }
    Ok(bytes)
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
    let name = staged.names.input(&file);
    plan.writes
        .make(staged.container.put_file(&name, &path))
        .await
        .map_err(|error| Halt::Failed(format!("inputFiles: '{file}' could not be staged: {error}")))
}
