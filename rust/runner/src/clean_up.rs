//! Takes away what a run made.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::plan::{Plan, Staged};
use crate::stage_in::TRANSFERS_AT_ONCE;

/// How long a job may take to go away; its deletion goes on without us after that.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(250);

/// Whether the job's task can still write blobs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uploads {
    /// The task is completed.
    Done,
    /// The task is being ended: its blobs can only be removed once the job is gone.
    Possible,
}

/// Removes the job.
pub(crate) async fn remove_job(plan: &Plan, uploads: Uploads) -> Result<(), azure::Error> {
    request_deletion(plan).await?;
    match uploads {
        Uploads::Done => Ok(()),
        Uploads::Possible => until_gone(plan).await,
    }
}

/// A job that is still terminating refuses its deletion for a while.
async fn request_deletion(plan: &Plan) -> Result<(), azure::Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match plan.batch.delete_job(&plan.job_id).await {
            Err(error) if error.status() == Some(409) && Instant::now() < deadline => {}
            other => return other,
        }
        sleep(POLL).await;
    }
}

async fn until_gone(plan: &Plan) -> Result<(), azure::Error> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && job_exists(plan).await? {
        sleep(POLL).await;
    }
    Ok(())
}

/// Removes all blobs of the run.
pub(crate) async fn remove_blobs(plan: &Plan) -> Result<(), azure::Error> {
    match plan.staged() {
        Some(staged) => delete_all(staged).await,
        None => Ok(()),
    }
}

async fn job_exists(plan: &Plan) -> Result<bool, azure::Error> {
    match plan.batch.get_job(&plan.job_id).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Directory markers of a hierarchical namespace go last, deepest first: a directory must be empty.
async fn delete_all(staged: &Staged) -> Result<(), azure::Error> {
    let blobs = staged.container.list(&staged.names.all()).await?;
    let (mut markers, files): (Vec<_>, Vec<_>) =
        blobs.into_iter().partition(|blob| blob.is_directory_marker);
    stream::iter(files)
        .map(|blob| async move { staged.container.delete(&blob.name).await })
        .buffer_unordered(TRANSFERS_AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    markers.sort_by(|a, b| b.name.cmp(&a.name));
    for marker in &markers {
        staged.container.delete(&marker.name).await?;
    }
    Ok(())
}
