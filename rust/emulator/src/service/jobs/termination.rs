//! Job termination: by request, after the last task, or by the wall-clock limit.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::stop_runs;
use crate::error::Result;
use crate::service::Service;
use crate::service::conditions::Conditions;
use crate::store::TaskKey;
use crate::store::job::{Job, JobEntry, JobState};
use crate::store::resource::ResourceVersion;
use crate::store::task::{StopReason, Task};
use crate::wire::duration;
use crate::wire::job::OnAllTasksComplete;

/// The terminate reason when all tasks are completed.
const ALL_TASKS_COMPLETE: &str = "AllTasksComplete";
/// The terminate reason when the job manager task is completed.
const JOB_MANAGER_COMPLETE: &str = "JMComplete";
/// The terminate reason when a task failed.
const TASK_FAILED: &str = "TaskFailed";
const MAX_WALL_CLOCK_TIME_EXPIRY: &str = "MaxWallClockTimeExpiry";
const USER_TERMINATE: &str = "UserTerminate";

/// How long a job stays active that has no task and ends with its tasks: one was seen active 2 s
/// after it was set to end so.
const EMPTY_JOB_DELAY: Duration = Duration::from_secs(2);

impl Service {
    /// Starts to terminate a job: running tasks are stopped, active ones stay active.
    pub(crate) fn terminate_job(
        self: &Arc<Self>,
        id: &str,
        reason: Option<String>,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        {
            let store = self.store();
            let job = &store.job(id)?.job;
            conditions.check_write(&job.version)?;
            job.require_open()?;
        }
        self.begin_termination(id, &reason.unwrap_or_else(|| USER_TERMINATE.to_owned()));
        Ok(self.store().job(id)?.job.version.clone())
    }

    /// Starts to delete a job with its tasks and their files.
    pub(crate) fn delete_job(self: &Arc<Self>, id: &str, conditions: &Conditions) -> Result<()> {
        let (number, was_open, runs) = {
            let mut store = self.store();
            let entry = store.job_mut(id)?;
            conditions.check_write(&entry.job.version)?;
            entry.job.require_not_deleting()?;
            let was_open = entry.job.require_open().is_ok();
            entry.job.enter(JobState::Deleting);
            (entry.job.number, was_open, stop_runs(entry, StopReason::Discarded))
        };
        let (service, id) = (Arc::clone(self), id.to_owned());
        tokio::spawn(async move {
            service.wait_for_runs(runs).await;
            if was_open {
                service.release(&id, number).await;
            }
            service.remove_job(&id, number).await;
        });
        Ok(())
    }

    /// Removes the job's files, then the job.
    async fn remove_job(self: &Arc<Self>, id: &str, number: u64) {
        let placements = self.store().job(id).map(JobEntry::placements).unwrap_or_default();
        self.remove_directories(placements).await;
        let removed = {
            let mut store = self.store();
            let is_same = store.job(id).is_ok_and(|entry| entry.job.number == number);
            is_same.then(|| store.remove_job(id, self.deleted_id_delay)).flatten()
        };
        if let Some(entry) = removed {
            self.delete_pool_of_job(&entry.job);
        }
        self.after_job_end(id);
    }

    /// Moves a job to the terminating state, unless it is already ending, and completes it in the
    /// background.
    pub(in crate::service) fn begin_termination(self: &Arc<Self>, id: &str, reason: &str) {
        let (number, runs) = {
            let mut store = self.store();
            let Ok(entry) = store.job_mut(id) else { return };
            if entry.job.require_open().is_err() {
                return;
            }
            entry.job.change_state(JobState::Terminating);
            entry.job.terminate_reason = Some(reason.to_owned());
            (entry.job.number, stop_runs(entry, StopReason::UserRequest))
        };
        tokio::spawn(Arc::clone(self).finish_termination(id.to_owned(), number, runs));
    }

    async fn finish_termination(
        self: Arc<Self>,
        id: String,
        number: u64,
        runs: Vec<CancellationToken>,
    ) {
        self.wait_for_runs(runs).await;
        self.release(&id, number).await;
        if let Some(job) = self.complete_job(&id, number) {
            self.delete_pool_of_job(&job);
        }
        self.after_job_end(&id);
    }

    /// Completes a job that is terminating, and returns it.
    fn complete_job(&self, id: &str, number: u64) -> Option<Job> {
        let mut store = self.store();
        let job = &mut store.job_mut(id).ok()?.job;
        let is_ending = job.number == number && job.phase.state == JobState::Terminating;
        is_ending.then(|| {
            job.enter(JobState::Completed);
            job.ended = Some(job.phase.since);
            job.clone()
        })
    }

    /// Terminates a job whose tasks are all completed, if its `onAllTasksComplete` says so. A
    /// disabled job is not terminated until it is enabled.
    pub(in crate::service) fn terminate_if_complete(self: &Arc<Self>, id: &str) {
        let Some(delay) = self.completion_delay(id) else { return };
        let id = id.to_owned();
        // A task may be created before the delay ends.
        self.after(delay, move |service| {
            if service.completion_delay(&id).is_some() {
                service.begin_termination(&id, ALL_TASKS_COMPLETE);
            }
        });
    }

    /// Returns after which time a job ends whose tasks are all completed; `None` if it does not.
    fn completion_delay(&self, id: &str) -> Option<Duration> {
        let store = self.store();
        let entry = store.job(id).ok()?;
        let ends = entry.job.spec.on_all_tasks_complete == OnAllTasksComplete::TerminateJob
            && entry.job.phase.state == JobState::Active
            && entry.tasks.all_completed();
        let least = if entry.tasks.is_empty() { EMPTY_JOB_DELAY } else { Duration::ZERO };
        ends.then_some(least.max(self.state_delay.active))
    }

    /// Terminates a job whose job manager task is completed, if it asked for that.
    pub(in crate::service) fn terminate_with_manager(self: &Arc<Self>, task: &TaskKey) {
        let ends_job = self.store().task(task).is_some_and(Task::ends_job);
        if ends_job {
            self.begin_termination(&task.job, JOB_MANAGER_COMPLETE);
        }
    }

    /// Terminates a job because a task failed.
    pub(super) fn terminate_failed(self: &Arc<Self>, id: &str) {
        self.begin_termination(id, TASK_FAILED);
    }

    /// Terminates the job when its wall-clock limit is reached, if it still has that limit then.
    pub(super) fn watch_wall_clock(self: &Arc<Self>, id: &str) {
        let Some((number, rest)) = self.remaining_wall_clock(id) else { return };
        let (service, id) = (Arc::clone(self), id.to_owned());
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(rest) => {}
                () = service.closing.cancelled() => return,
            }
            if service.remaining_wall_clock(&id) == Some((number, Duration::ZERO)) {
                service.begin_termination(&id, MAX_WALL_CLOCK_TIME_EXPIRY);
            }
        });
    }

    /// Returns the job's number and its remaining time; `None` without a limit.
    fn remaining_wall_clock(&self, id: &str) -> Option<(u64, Duration)> {
        let store = self.store();
        let job = &store.job(id).ok()?.job;
        let limit = job.spec.constraints.as_ref()?.max_wall_clock_time.as_deref()?;
        let age = Duration::try_from(OffsetDateTime::now_utc() - job.created).unwrap_or_default();
        Some((job.number, duration::parse(limit)?.saturating_sub(age)))
    }
}
