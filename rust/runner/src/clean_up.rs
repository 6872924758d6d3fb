//! Takes away what a run made.

use std::time::Duration;

use azure::batch::JobState;
use azure::blob::BlobContainer;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::claims::Claims;
use crate::event::{Events, Level};
use crate::names::BlobNames;
use crate::plan::{Plan, TRANSFERS_AT_ONCE};
use crate::submit::has_own_job;

/// How long a job may take to end, and then to be deleted.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(250);

/// Why a job ended that a worker terminated, as Batch shows it.
pub(crate) const ENDED_BY_US: &str = "Ended by Kestra";

/// How far a run came, by the first request that may have created something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reached {
    Nothing,
    Staged,
    /// Its job was asked for, and no answer says that it was created.
    AskedForJob,
    Submitted,
}

/// The end of a run, seen from where it is: what there is to end and to remove.
pub(crate) struct Ending<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) events: &'a Events,
    pub(crate) reached: Reached,
}

impl Ending<'_> {
    /// How far the run came, after a creation of its job that may have had its effect or not. Where that cannot be
    /// told, everything is left: a job that is there needs its files.
    pub(crate) async fn established(&self) -> Reached {
        if self.reached != Reached::AskedForJob {
            return self.reached;
        }
        match has_own_job(self.plan).await {
            Ok(true) => Reached::Submitted,
            Ok(false) => Reached::Staged,
            Err(error) => {
                let job = &self.plan.job_id;
                let what = format!(
                    "It is not known whether job '{job}' was created, so it and the staged files are left; \
                     if it is there, delete it by hand or run the task again"
                );
                self.left_behind(&what, &error);
                Reached::Nothing
            }
        }
    }

    /// Ends the job, for a kill or after an error, and removes what the run made.
    pub(crate) async fn terminate(&self) {
        if self.submitted() {
            self.end_job().await;
        }
        self.clean_up().await;
    }

    /// What its node still uploads has to arrive before the blobs are removed.
    async fn end_job(&self) {
        let job = &self.plan.job_id;
        match self.plan.batch.terminate_job(job, ENDED_BY_US).await {
            Ok(()) if self.plan.delete => until_ended(self.plan).await,
            Ok(()) => {}
            Err(error) => self.left_behind(
                &format!("Job '{job}' could not be terminated, end it by hand"),
                &error,
            ),
        }
    }

    /// Removes what the run made, or says where it stays. What cannot be removed is told and left.
    pub(crate) async fn clean_up(&self) {
        self.mark_collected().await;
        if self.plan.delete {
            self.remove().await;
        } else if self.submitted() {
            self.events.note_now(Level::Info, self.kept());
        }
    }

    /// A retry of the Kestra task must not find the old outcome.
    async fn mark_collected(&self) {
        let (true, Some(staged)) = (self.submitted(), self.plan.staged()) else { return };
        let marker = Bytes::from_static(b"The outcome of this run was reported.\n");
        if let Err(error) = staged.container.put_bytes(&staged.names.collected(), marker).await {
            self.left_behind("A retry may report this outcome again", &error);
        }
    }

    async fn remove(&self) {
        if self.submitted()
            && let Err(error) = delete_job(self.plan, &self.plan.job_id).await
        {
            // The marker must stay as long as the job does.
            return self.left_behind("The job could not be deleted", &error);
        }
        if self.reached >= Reached::Staged
            && let Err(error) = remove_blobs(self.plan).await
        {
            return self.left_behind("The staged blobs could not be deleted", &error);
        }
        if self.submitted() {
            self.events.note_now(Level::Info, "Removed the job and its staged files".to_owned());
        }
    }

    fn kept(&self) -> String {
        let Plan { job_id, account, .. } = self.plan;
        let blobs = self.plan.staged().map(|staged| {
            let (container, prefix) = (staged.container.name(), staged.names.all());
            format!(", the blobs below '{prefix}' in container '{container}'")
        });
        let blobs = blobs.unwrap_or_default();
        format!("Kept, as delete is false: job '{job_id}' in account '{account}'{blobs}")
    }

    fn submitted(&self) -> bool {
        self.reached == Reached::Submitted
    }

    fn left_behind(&self, what: &str, error: &azure::Error) {
        self.events.note_now(Level::Warn, format!("{what}: {error}"));
    }
}

/// A job that is still terminating refuses its deletion for a while.
pub(crate) async fn delete_job(plan: &Plan, job_id: &str) -> Result<(), azure::Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match plan.batch.delete_job(job_id).await {
            Err(error) if error.status() == Some(409) && Instant::now() < deadline => {}
            other => return other,
        }
        sleep(POLL).await;
    }
}

/// Waits for a job that was terminated, but not for ever: its node may be lost.
async fn until_ended(plan: &Plan) {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && is_ending(plan).await {
        sleep(POLL).await;
    }
}

/// A job that cannot be read is not waited for: its deletion says why.
async fn is_ending(plan: &Plan) -> bool {
    matches!(plan.batch.get_job(&plan.job_id).await, Ok(job) if job.state != JobState::Completed)
}

/// Removes all blobs of the run.
async fn remove_blobs(plan: &Plan) -> Result<(), azure::Error> {
    match plan.staged() {
        Some(staged) => delete_blobs(plan, &staged.names).await,
        None => Ok(()),
    }
}

/// Removes the blobs of one run of this task run, and its claim to them.
pub(crate) async fn delete_blobs(plan: &Plan, names: &BlobNames) -> Result<(), azure::Error> {
    let Some(staged) = plan.staged() else { return Ok(()) };
    delete_all(&staged.container, names).await?;
    match Claims::of(plan) {
        Some(claims) => claims.remove(names).await,
        None => Ok(()),
    }
}

/// Directory markers of a hierarchical namespace go last, deepest first: a directory must be empty.
async fn delete_all(container: &BlobContainer, names: &BlobNames) -> Result<(), azure::Error> {
    let (mut pages, mut markers) = (container.pages(&names.all()), Vec::new());
    // Page by page: a task may make any number of files.
    while let Some(page) = pages.next().await? {
        let (directories, files): (Vec<_>, Vec<_>) =
            page.into_iter().partition(|blob| blob.is_directory_marker);
        stream::iter(files)
            .map(|blob| async move { container.delete(&blob.name).await })
            .buffer_unordered(TRANSFERS_AT_ONCE)
            .try_collect::<()>()
            .await?;
        // A name with a slash at its end is not a real directory, and cannot be addressed.
        markers.extend(directories.into_iter().filter(|blob| !blob.name.ends_with('/')));
    }
    markers.sort_by(|a, b| b.name.cmp(&a.name));
    for marker in &markers {
        container.delete(&marker.name).await?;
    }
    Ok(())
}
