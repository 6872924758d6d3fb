//! The rules of jobs.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::conditions::Conditions;
use super::{SETTLE, Service, limits};
use crate::error::{ApiError, Code, Result};
use crate::store::job::{Job, JobEnd, JobEntry, JobState};
use crate::store::key;
use crate::store::stamp::Stamp;
use crate::store::task::StopReason;
use crate::wire::duration;
use crate::wire::job::{JobAdd, JobConstraints, JobUpdate, OnAllTasksComplete, OnTaskFailure};

/// The reason of a job that the service ended because its tasks were done.
const ALL_TASKS_COMPLETE: &str = "AllTasksComplete";
/// The reason of a job that the service ended because a task failed.
const TASK_FAILED: &str = "TaskFailed";
const TIME_IS_OVER: &str = "MaxWallClockTimeExpiry";
const USER_TERMINATE: &str = "UserTerminate";

impl Service {
    /// Creates a job. Its pool need not exist: the service does not reject such a job, its tasks
    /// just stay active.
    pub(crate) fn add_job(self: &Arc<Self>, spec: JobAdd) -> Result<Stamp> {
        limits::check_job(&spec)?;
        let id = spec.id.clone();
        let stamp = self.insert_job(spec)?;
        self.watch_wall_clock(&id);
        self.end_if_due(&id);
        Ok(stamp)
    }

    fn insert_job(&self, spec: JobAdd) -> Result<Stamp> {
        let mut store = self.store();
        if let Some(existing) = store.jobs.get(&key(&spec.id)) {
            existing.job.require_not_deleting()?;
            return Err(ApiError::from(Code::JobExists).with("JobId", spec.id));
        }
        let active = |entry: &&JobEntry| entry.job.phase.state != JobState::Completed;
        if store.jobs.values().filter(active).count() >= limits::ACTIVE_JOBS {
            return Err(ApiError::from(Code::ActiveJobAndScheduleQuotaReached)
                .with("Reason", format!("{} active jobs", limits::ACTIVE_JOBS)));
        }
        let job = Job::new(spec, store.next_number());
        let stamp = job.stamp.clone();
        store.jobs.insert(key(&job.spec.id), JobEntry { job, tasks: Default::default() });
        Ok(stamp)
    }

    /// A job, if the conditions allow to read it.
    pub(crate) fn job(&self, id: &str, conditions: &Conditions) -> Result<Job> {
        let store = self.store();
        let job = &store.job(id)?.job;
        conditions.check_read(&job.stamp)?;
        Ok(job.clone())
    }

    /// All jobs in the order of their ids.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.store().jobs.values().map(|entry| entry.job.clone()).collect()
    }

    /// Changes an active job.
    pub(crate) fn update_job(
        self: &Arc<Self>,
        id: &str,
        update: JobUpdate,
        conditions: &Conditions,
    ) -> Result<Stamp> {
        limits::check_update(&update)?;
        let stamp = {
            let mut store = self.store();
            let job = &mut store.job_mut(id)?.job;
            conditions.check_write(&job.stamp)?;
            job.require_active()?;
            apply(job, update)?;
            job.stamp.clone()
        };
        self.watch_wall_clock(id);
        self.end_if_due(id);
        Ok(stamp)
    }

    /// Starts to terminate a job: its running tasks are ended, active ones stay as they are.
    pub(crate) fn terminate_job(
        self: &Arc<Self>,
        id: &str,
        reason: Option<String>,
        conditions: &Conditions,
    ) -> Result<()> {
        {
            let store = self.store();
            let job = &store.job(id)?.job;
            conditions.check_write(&job.stamp)?;
            job.require_active()?;
        }
        self.begin_termination(id, &reason.unwrap_or_else(|| USER_TERMINATE.to_owned()));
        Ok(())
    }

    /// Starts to delete a job with all its tasks and their files.
    pub(crate) fn delete_job(self: &Arc<Self>, id: &str, conditions: &Conditions) -> Result<()> {
        let (number, runs) = {
            let mut store = self.store();
            let entry = store.job_mut(id)?;
            conditions.check_write(&entry.job.stamp)?;
            entry.job.require_not_deleting()?;
            entry.job.enter(JobState::Deleting);
            (entry.job.number, stop_runs(entry, StopReason::Discarded))
        };
        tokio::spawn(Arc::clone(self).finish_deletion(id.to_owned(), number, runs));
        Ok(())
    }

    async fn finish_deletion(
        self: Arc<Self>,
        id: String,
        number: u64,
        runs: Vec<CancellationToken>,
    ) {
        self.settle(runs).await;
        let mut store = self.store();
        if store.job(&id).is_ok_and(|entry| entry.job.number == number)
            && let Some(entry) = store.jobs.remove(&key(&id))
        {
            entry.tasks.iter().for_each(super::tasks::remove_files);
        }
    }

    /// Moves an active job on to termination; the end follows by itself.
    fn begin_termination(self: &Arc<Self>, id: &str, reason: &str) {
        let (number, runs) = {
            let mut store = self.store();
            let Ok(entry) = store.job_mut(id) else { return };
            if entry.job.phase.state != JobState::Active {
                return;
            }
            entry.job.enter(JobState::Terminating);
            (entry.job.number, stop_runs(entry, StopReason::UserRequest))
        };
        let finish =
            Arc::clone(self).finish_termination(id.to_owned(), number, reason.to_owned(), runs);
        tokio::spawn(finish);
    }

    async fn finish_termination(
        self: Arc<Self>,
        id: String,
        number: u64,
        reason: String,
        runs: Vec<CancellationToken>,
    ) {
        self.settle(runs).await;
        let mut store = self.store();
        let Ok(entry) = store.job_mut(&id) else { return };
        let job = &mut entry.job;
        if job.number == number && job.phase.state == JobState::Terminating {
            job.enter(JobState::Completed);
            job.ended = Some(JobEnd { at: job.phase.since, reason });
        }
    }

    /// Waits for the ends of runs, and long enough for the state before to be seen.
    pub(super) async fn settle(&self, runs: Vec<CancellationToken>) {
        for over in runs {
            over.cancelled().await;
        }
        sleep(SETTLE.max(self.state_delay)).await;
    }

    /// Ends a job that is to end with its tasks or with a failed one, once that is so.
    pub(super) fn end_if_due(self: &Arc<Self>, id: &str) {
        if self.reason_to_end(id).is_none() {
            return;
        }
        let id = id.to_owned();
        // Another task may have come until then.
        self.after_delay(move |service| {
            if let Some(reason) = service.reason_to_end(&id) {
                service.begin_termination(&id, reason);
            }
        });
    }

    fn reason_to_end(&self, id: &str) -> Option<&'static str> {
        let store = self.store();
        let entry = store.job(id).ok()?;
        let spec = &entry.job.spec;
        if spec.on_task_failure == OnTaskFailure::PerformExitOptionsJobAction
            && entry.tasks.have_failed()
        {
            return Some(TASK_FAILED);
        }
        let ends = spec.on_all_tasks_complete == OnAllTasksComplete::TerminateJob;
        (ends && entry.tasks.are_completed()).then_some(ALL_TASKS_COMPLETE)
    }

    /// Ends the job when its wall-clock time is over, should it still have that limit then.
    fn watch_wall_clock(self: &Arc<Self>, id: &str) {
        let Some((number, rest)) = self.rest_of_wall_clock(id) else { return };
        let (service, id) = (Arc::clone(self), id.to_owned());
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(rest) => {}
                () = service.closing.cancelled() => return,
            }
            if service.rest_of_wall_clock(&id) == Some((number, Duration::ZERO)) {
                service.begin_termination(&id, TIME_IS_OVER);
            }
        });
    }

    /// The job's number and the time that it has left; `None` without a limit.
    fn rest_of_wall_clock(&self, id: &str) -> Option<(u64, Duration)> {
        let store = self.store();
        let job = &store.job(id).ok()?.job;
        let limit = job.spec.constraints.as_ref()?.max_wall_clock_time.as_deref()?;
        let age = Duration::try_from(OffsetDateTime::now_utc() - job.created).unwrap_or_default();
        Some((job.number, duration::parse(limit)?.saturating_sub(age)))
    }
}

fn apply(job: &mut Job, update: JobUpdate) -> Result<()> {
    if update.pool_info.is_some() {
        return Err(ApiError::from(Code::JobNotDisabled)
            .with("Reason", "the pool of a job can only be changed while the job is disabled"));
    }
    let spec = &mut job.spec;
    if let Some(action) = update.on_all_tasks_complete {
        if spec.on_all_tasks_complete == OnAllTasksComplete::TerminateJob
            && action == OnAllTasksComplete::NoAction
        {
            let reason = "it cannot be changed back from terminatejob";
            return Err(ApiError::property("onAllTasksComplete", "noaction", reason));
        }
        spec.on_all_tasks_complete = action;
    }
    spec.priority = update.priority.or(spec.priority);
    spec.metadata = update.metadata.or(spec.metadata.take());
    spec.constraints = update.constraints.or(spec.constraints.take());
    job.stamp = Stamp::new();
    Ok(())
}

/// The retries of a task that names none of its own.
pub(super) fn default_retries(constraints: Option<&JobConstraints>) -> i32 {
    constraints.and_then(|constraints| constraints.max_task_retry_count).unwrap_or(0)
}

fn stop_runs(entry: &JobEntry, reason: StopReason) -> Vec<CancellationToken> {
    let runs = entry.tasks.iter().filter_map(|task| task.run.as_ref());
    runs.map(|run| run.ask(reason)).collect()
}
