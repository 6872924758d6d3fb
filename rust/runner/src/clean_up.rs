//! Removes what a run made.

use std::time::Duration;

use azure::batch::JobState;
use azure::blob::BlobContainer;
use tokio::time::{Instant, sleep, timeout};

use crate::event::{EventSender, Level};
use crate::names::RunNames;
use crate::plan::Plan;
use crate::state::StateBlob;

/// How long a job may take to end, and then to be deleted.
const LONGEST_END: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(250);

/// How long to wait for writes under way before blobs are removed: what arrived later would stay.
const ARRIVING: Duration = Duration::from_secs(5);

/// Why a job ended that a worker terminated, as Batch shows it.
pub(crate) const ENDED_BY_US: &str = "Ended by Kestra";

/// How far a run came, by the first request that may have created something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Nothing,
    StagingIn,
    /// Its job was asked for, and no answer says that it was created.
    Submitting,
    Submitted,
}

/// The end of a run: ends and removes what it created.
pub(crate) struct Ending<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) names: &'a RunNames,
    pub(crate) events: &'a EventSender,
    pub(crate) state: &'a mut StateBlob,
    pub(crate) stage: Stage,
}

impl Ending<'_> {
    /// Ends the job, for a kill or after an error, and removes what the run made.
    pub(crate) async fn terminate(&mut self) {
        if self.submitted() {
            self.end_job().await;
        }
        self.clean_up().await;
    }

    /// The node still uploads the log of a task that ends. That has to arrive before the blobs are removed.
    async fn end_job(&self) {
        let job = self.names.job_id();
        match self.plan.batch.terminate_job(&job, ENDED_BY_US).await {
            Ok(()) if self.plan.delete => until_ended(self.plan, &job).await,
            Ok(()) => {}
            Err(error) => self.warn(
                &format!("Job '{job}' could not be terminated, terminate it yourself"),
                &error,
            ),
        }
    }

    /// Removes what the run made, or says where it stays.
    pub(crate) async fn clean_up(&mut self) {
        if self.plan.delete {
            self.remove().await;
        } else if self.submitted() {
            self.record_reported().await;
            self.events.note_now(Level::Info, self.kept());
        }
    }

    async fn remove(&mut self) {
        if self.submitted()
            && let Err(error) = self.remove_job().await
        {
            // The state must stay as long as the job does.
            return self.warn("The job could not be deleted", &error);
        }
        if self.stage >= Stage::StagingIn
            && let Err(error) = self.remove_blobs().await
        {
            return self.warn("The staged blobs could not be deleted", &error);
        }
        if self.submitted() {
            self.events.note_now(Level::Info, "Removed the job and its staged files".to_owned());
        }
    }

    /// A job that is being deleted is not resumed. One that is still there has to say that its outcome was reported.
    async fn remove_job(&mut self) -> azure::Result<()> {
        let job = self.names.job_id();
        if self.plan.batch.delete_job(&job).await.is_ok() {
            return Ok(());
        }
        self.record_reported().await;
        delete_job(self.plan, &job).await
    }

    async fn remove_blobs(&self) -> azure::Result<()> {
        let Some(staged) = self.plan.staged() else { return Ok(()) };
        let _ = timeout(ARRIVING, staged.files.container.writes_have_arrived()).await;
        delete_blobs(&staged.files.container, self.names).await
    }

    /// A retry of the Kestra task must not find the old outcome.
    async fn record_reported(&mut self) {
        if let Err(error) = self.state.record_reported().await {
            self.warn("A retry may report this outcome again", &error);
        }
    }

    fn kept(&self) -> String {
        let (job, account) = (self.names.job_id(), &self.plan.account);
        let blobs = self.plan.staged().map(|staged| {
            let (container, blobs) = (staged.files.container.name(), self.names.blobs());
            format!(", the blobs below '{blobs}' in container '{container}'")
        });
        let blobs = blobs.unwrap_or_default();
        format!("Kept, as delete is false: job '{job}' in account '{account}'{blobs}")
    }

    fn submitted(&self) -> bool {
        self.stage >= Stage::Submitting
    }

    fn warn(&self, what: &str, error: &azure::Error) {
        self.events.note_now(Level::Warn, format!("{what}: {error}"));
    }
}

/// A job that is still terminating refuses its deletion for a while.
pub(crate) async fn delete_job(plan: &Plan, job_id: &str) -> azure::Result<()> {
    let deadline = Instant::now() + LONGEST_END;
    loop {
        match plan.batch.delete_job(job_id).await {
            Err(error) if error.status() == Some(409) && Instant::now() < deadline => {}
            other => return other,
        }
        sleep(POLL).await;
    }
}

/// Waits for a job that was terminated, but not for ever: its node may be lost.
async fn until_ended(plan: &Plan, job_id: &str) {
    let deadline = Instant::now() + LONGEST_END;
    while Instant::now() < deadline && is_ending(plan, job_id).await {
        sleep(POLL).await;
    }
}

/// A job that cannot be read is not waited for: its deletion says why.
async fn is_ending(plan: &Plan, job_id: &str) -> bool {
    matches!(plan.batch.get_job(job_id).await, Ok(job) if job.state != JobState::Completed)
}

/// Removes all blobs of one run, its script first: a worker that finds its script has all its files.
pub(crate) async fn delete_blobs(container: &BlobContainer, names: &RunNames) -> azure::Result<()> {
    container.delete(&names.script()).await?;
    let (mut pages, mut markers) = (container.pages(&names.blobs()), Vec::new());
    // Page by page: a task may make any number of files.
    while let Some(page) = pages.next().await? {
        let (directories, files): (Vec<_>, Vec<_>) =
            page.into_iter().partition(|blob| blob.is_directory_marker);
        let files: Vec<_> = files.into_iter().map(|blob| blob.name).collect();
        container.delete_all(&files).await?;
        // A name with a slash at its end is not a real directory, and cannot be addressed.
        markers.extend(directories.into_iter().filter(|blob| !blob.name.ends_with('/')));
    }
    // Directory markers of a hierarchical namespace go last, deepest first: a directory must be empty.
    markers.sort_by(|a, b| b.name.cmp(&a.name));
    for marker in &markers {
        container.delete(&marker.name).await?;
    }
    // That of the run's own directory is not below it.
    if !markers.is_empty() {
        container.delete(&names.directory()).await?;
    }
    Ok(())
}
