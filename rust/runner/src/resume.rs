//! Finds what an earlier worker left of the same Kestra task run, so that the work does not begin anew.

use std::time::Duration;

use azure::batch::{Job, JobState, OnAllTasksComplete, Task, TaskState};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use crate::claims::Claims;
use crate::clean_up::{self, ENDED_BY_US};
use crate::halt::Halt;
use crate::labels;
use crate::names::BlobNames;
use crate::plan::Plan;

/// How long after Kestra has an outcome in its books its worker may take to say so: Java waits for 2 s of it, and a busy
/// worker takes longer.
const REPORTING: Duration = Duration::from_secs(15);

/// How often to look whether it has.
const REPORTING_INTERVAL: Duration = Duration::from_millis(250);

/// A job to go on with.
pub(crate) struct Earlier {
    pub(crate) job_id: String,
    /// None where the job's metadata names none; such a job has no staged files.
    pub(crate) names: Option<BlobNames>,
    /// It does not end by itself yet: its worker died in the middle of the submission.
    pub(crate) half_submitted: bool,
    /// Since its creation: the run's limit goes on from there.
    pub(crate) age: Duration,
}

/// The jobs of this task run: those to go on with, the best one first, and those that are of use to nobody.
pub(crate) struct Found {
    resumable: Vec<Job>,
    over: Vec<Job>,
}

/// Looks for earlier jobs of this task run: those under way, and those that ended while nobody looked.
pub(crate) async fn find(plan: &Plan) -> Result<Found, Halt> {
    let filter = format!("startswith(id,'{}')", common_start(&plan.job_id));
    let mut jobs = plan.batch.list_jobs(Some(&filter)).await?;
    jobs.retain(|job| labels::are_on(job, &plan.metadata));
    jobs.sort_by_key(|job| (job.state != JobState::Active, std::cmp::Reverse(job.creation_time)));
    let mut found = Found { resumable: Vec::new(), over: Vec::new() };
    for job in jobs {
        let kind =
            if is_resumable(plan, &job).await? { &mut found.resumable } else { &mut found.over };
        kind.push(job);
    }
    Ok(found)
}

impl Found {
    /// Removes what workers left that died before they had a job, or while they cleaned up.
    pub(crate) async fn remove_left_behind(&self, plan: &Plan) -> azure::Result<()> {
        for job in &self.over {
            // A job that does not end by itself would stay active, and use up the account's quota.
            if plan.delete || !ends_by_itself(job) {
                clean_up::delete_job(plan, &job.id).await?;
            }
        }
        let Some(claims) = Claims::of(plan) else { return Ok(()) };
        let in_use: Vec<_> = self.resumable.iter().filter_map(labels::blob_names).collect();
        for names in claims.all().await?.iter().filter(|names| !in_use.contains(names)) {
            clean_up::delete_blobs(plan, names).await?;
        }
        Ok(())
    }

    /// The job to go on with.
    pub(crate) fn into_earlier(self) -> Option<Earlier> {
        self.resumable.into_iter().next().map(earlier)
    }
}

/// Kestra ends a job name with a part that differs in every attempt.
fn common_start(job_id: &str) -> &str {
    job_id.rsplit_once('-').map_or(job_id, |(start, _)| start)
}

async fn is_resumable(plan: &Plan, job: &Job) -> Result<bool, Halt> {
    Ok(match task(plan, job).await? {
        Some(task) if task.state == TaskState::Completed => {
            job.state != JobState::Deleting
                && !is_ended_by_us(job)
                && is_unreported(plan, job).await?
        }
        // A job that is ended before its task was ended by somebody, a kill most likely.
        Some(_) => is_under_way(&job.state),
        // It gets its task from us, if its files are there: they were staged before it was created.
        None => {
            is_under_way(&job.state) && plan.staged().is_some() == labels::blob_names(job).is_some()
        }
    })
}

/// Also one that an operator has disabled for a while.
fn is_under_way(state: &JobState) -> bool {
    !matches!(state, JobState::Terminating | JobState::Completed | JobState::Deleting)
}

async fn task(plan: &Plan, job: &Job) -> Result<Option<Task>, Halt> {
    match plan.batch.get_task(&job.id, &job.id).await {
        Ok(task) => Ok(Some(task)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Such a job stands for no outcome of its own.
fn is_ended_by_us(job: &Job) -> bool {
    let info = job.execution_info.as_ref();
    info.is_some_and(|info| info.terminate_reason.as_deref() == Some(ENDED_BY_US))
}

/// Whether Kestra still waits for the outcome of a task that has ended. If it does not, it wants the work done anew:
/// a retry, which may come before the last worker has said that the outcome was reported.
///
/// Without blob storage nothing says so, and a failure that is reported again would make every retry fail like the
/// first attempt: such a job counts as reported.
async fn is_unreported(plan: &Plan, job: &Job) -> Result<bool, Halt> {
    let (Some(staged), Some(names)) = (plan.staged(), labels::blob_names(job)) else {
        return Ok(false);
    };
    let deadline = Instant::now() + REPORTING;
    loop {
        if staged.container.get_range(&names.collected(), 0, 1).await?.is_some() {
            return Ok(false);
        }
        if Instant::now() >= deadline {
            return Ok(true);
        }
        sleep(REPORTING_INTERVAL).await;
        if task(plan, job).await?.is_none() {
            // It was removed.
            return Ok(false);
        }
    }
}

fn earlier(job: Job) -> Earlier {
    Earlier {
        names: labels::blob_names(&job),
        half_submitted: is_under_way(&job.state) && !ends_by_itself(&job),
        age: job.creation_time.map(since).unwrap_or_default(),
        job_id: job.id,
    }
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

    #[test]
    fn ids_share_what_comes_before_their_random_part() {
        assert_eq!(common_start("company-team-flow-task-1a2b3c4d"), "company-team-flow-task");
    }
}
