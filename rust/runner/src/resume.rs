//! Finds what an earlier worker left of the same Kestra task run, so that the work does not begin anew.

use std::time::Duration;

use azure::batch::{Job, JobState, OnAllTasksComplete, Task, TaskState};
use futures::future::try_join_all;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use crate::check::Existing;
use crate::clean_up::{self, ENDED_BY_US};
use crate::error::RunError;
use crate::names::RunNames;
use crate::plan::Plan;
use crate::stage_in::is_staged;
use crate::state::StateBlob;

/// How long the worker that got an outcome may take to report it to Kestra and to say so: Java waits for 2 s of it,
/// and a busy worker takes longer.
const REPORTING: Duration = Duration::from_secs(15);

/// How often to look whether it has.
const REPORTING_INTERVAL: Duration = Duration::from_millis(250);

/// A job to go on with.
pub(crate) struct Earlier {
    pub(crate) names: RunNames,
    pub(crate) state: StateBlob,
    /// It does not end by itself yet: its worker died in the middle of the submission.
    pub(crate) half_submitted: bool,
    /// Since its creation: the run's limit goes on from there.
    pub(crate) age: Duration,
}

/// The jobs and blobs of this task run: jobs to go on with, the best one first, and what is orphaned.
pub(crate) struct Found {
    resumable: Vec<(RunNames, Job)>,
    orphaned_jobs: Vec<Job>,
    orphaned_blobs: Vec<RunNames>,
}

/// The jobs of this task run that Batch lists. None without `resume`.
pub(crate) async fn list_jobs(plan: &Plan) -> azure::Result<Vec<Job>> {
    if !plan.resume {
        return Ok(Vec::new());
    }
    let filter = format!("startswith(id,'{}')", plan.names.job_start());
    plan.batch.list_jobs(Some(&filter)).await
}

/// Tells earlier jobs of this task run apart: those under way, and those that ended while nobody looked.
pub(crate) async fn find(
    plan: &Plan,
    Existing { with_blobs, jobs: listed, .. }: Existing,
) -> Result<Found, RunError> {
    let (mut resumable, mut orphaned_jobs) = (Vec::new(), Vec::new());
    for (names, job) in jobs(plan, listed, &with_blobs).await? {
        if is_resumable(plan, &names, &job).await? {
            resumable.push((names, job));
        } else {
            orphaned_jobs.push(job);
        }
    }
    let is_orphaned = |names: &RunNames| resumable.iter().all(|(in_use, _)| in_use != names);
    let orphaned_blobs = with_blobs.into_iter().filter(is_orphaned).collect();
    Ok(Found { resumable, orphaned_jobs, orphaned_blobs })
}

/// The jobs of this task run: those under way first, the newest of them first.
async fn jobs(
    plan: &Plan,
    listed: Vec<Job>,
    with_blobs: &[RunNames],
) -> azure::Result<Vec<(RunNames, Job)>> {
    let listed = listed.into_iter();
    let mut jobs: Vec<_> =
        listed.filter_map(|job| Some((plan.names.of_job(&job.id)?, job))).collect();
    let is_listed = |names: &RunNames| jobs.iter().any(|(listed, _)| listed == names);
    let not_listed =
        with_blobs.iter().filter(|names| !is_listed(names)).map(|names| job(plan, names));
    let unlisted = try_join_all(not_listed).await?;
    jobs.extend(unlisted.into_iter().flatten());
    jobs.sort_by_key(|(_, job)| {
        (job.state != JobState::Active, std::cmp::Reverse(job.creation_time))
    });
    Ok(jobs)
}

/// The job of a run that staged its files. Its worker may have died when it had just created it: no list has such a job,
/// and it is not found at once either.
async fn job(plan: &Plan, names: &RunNames) -> azure::Result<Option<(RunNames, Job)>> {
    plan.batch.expect_job(&names.job_id());
    let job = found(plan.batch.get_job(&names.job_id()).await)?;
    Ok(job.map(|job| (names.clone(), job)))
}

impl Found {
    /// Removes what workers left that died before they had a job, or while they cleaned up. Without `delete` nothing
    /// of an earlier run is removed, but a job that would stay active is terminated: it uses up the account's quota.
    pub(crate) async fn clear_orphans(&self, plan: &Plan) -> azure::Result<()> {
        for job in &self.orphaned_jobs {
            if plan.delete {
                clean_up::delete_job(plan, &job.id).await?;
            } else if is_under_way(&job.state) && !ends_by_itself(job) {
                plan.batch.terminate_job(&job.id, ENDED_BY_US).await?;
            }
        }
        let Some(staged) = plan.staged().filter(|_| plan.delete) else { return Ok(()) };
        for names in &self.orphaned_blobs {
            clean_up::delete_blobs(&staged.files.container, names).await?;
        }
        Ok(())
    }

    /// The job to go on with.
    pub(crate) async fn into_earlier(self, plan: &Plan) -> azure::Result<Option<Earlier>> {
        let Some((names, job)) = self.resumable.into_iter().next() else { return Ok(None) };
        Ok(Some(Earlier {
            state: StateBlob::read(plan, &names).await?,
            half_submitted: is_under_way(&job.state) && !ends_by_itself(&job),
            age: job.creation_time.map(since).unwrap_or_default(),
            names,
        }))
    }
}

async fn is_resumable(plan: &Plan, names: &RunNames, job: &Job) -> Result<bool, RunError> {
    Ok(match task(plan, names).await? {
        Some(task) if task.state == TaskState::Completed => {
            job.state != JobState::Deleting
                && !is_ended_by_us(job)
                && is_unreported(plan, names).await?
        }
        // A job that is ended before its task was ended by somebody, a kill most likely.
        Some(_) => is_under_way(&job.state),
        // It gets its task from us, if its files are there: they were staged before it was created.
        None => is_under_way(&job.state) && has_files(plan, names).await?,
    })
}

async fn has_files(plan: &Plan, names: &RunNames) -> azure::Result<bool> {
    match plan.staged() {
        Some(staged) => is_staged(staged, names).await,
        None => Ok(true),
    }
}

/// Also one that an operator has disabled for a while.
fn is_under_way(state: &JobState) -> bool {
    !matches!(state, JobState::Terminating | JobState::Completed | JobState::Deleting)
}

async fn task(plan: &Plan, names: &RunNames) -> azure::Result<Option<Task>> {
    found(plan.batch.get_task(&names.job_id(), &names.task_id()).await)
}

fn found<T>(read: azure::Result<T>) -> azure::Result<Option<T>> {
    match read {
        Err(error) if error.is_not_found() => Ok(None),
        read => read.map(Some),
    }
}

/// The outcome of such a job was reported when it was ended.
fn is_ended_by_us(job: &Job) -> bool {
    let info = job.execution_info.as_ref();
    info.is_some_and(|info| info.terminate_reason.as_deref() == Some(ENDED_BY_US))
}

/// Whether Kestra still waits for the outcome of a task that has ended. If it does not, it wants the work done anew:
/// a retry, which may come before the last worker has recorded that the outcome was reported, or deleted the job.
///
/// Without blob storage there is nowhere to record it, and a failure that is reported again would make every retry
/// fail like the first attempt: such a job counts as reported.
async fn is_unreported(plan: &Plan, names: &RunNames) -> azure::Result<bool> {
    if plan.staged().is_none() {
        return Ok(false);
    }
    let deadline = Instant::now() + REPORTING;
    loop {
        if StateBlob::read(plan, names).await?.state().reported {
            return Ok(false);
        }
        if Instant::now() >= deadline {
            return Ok(true);
        }
        sleep(REPORTING_INTERVAL).await;
        if is_being_deleted(plan, names).await? {
            return Ok(false);
        }
    }
}

async fn is_being_deleted(plan: &Plan, names: &RunNames) -> azure::Result<bool> {
    let job = found(plan.batch.get_job(&names.job_id()).await)?;
    Ok(job.is_none_or(|job| job.state == JobState::Deleting))
}

fn ends_by_itself(job: &Job) -> bool {
    job.on_all_tasks_complete == Some(OnAllTasksComplete::TerminateJob)
}

fn since(moment: OffsetDateTime) -> Duration {
    // Negative where the clocks differ.
    (OffsetDateTime::now_utc() - moment).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_disabled_for_a_while_is_under_way() {
        for (state, under_way) in [("active", true), ("disabled", true), ("completed", false)] {
            let state = serde_json::from_value(serde_json::json!(state)).unwrap();
            assert_eq!(is_under_way(&state), under_way, "{state:?}");
        }
    }
}
