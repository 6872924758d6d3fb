//! The rules of jobs.

mod disabling;
mod ending;
mod updating;

use std::sync::Arc;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::conditions::Conditions;
use super::{SETTLE, Service, limits};
use crate::error::{Code, Result};
use crate::store::job::{Job, JobEntry, JobState};
use crate::store::stamp::Stamp;
use crate::store::task::StopReason;
use crate::store::{TaskKey, key};
use crate::wire::job::{DisableTasks, JobAdd, OnTaskFailure};
use crate::wire::task::JobAction;

impl Service {
    /// Creates a job. Its pool need not exist: the service does not reject such a job, its tasks
    /// just stay active.
    pub(crate) fn add_job(self: &Arc<Self>, spec: JobAdd) -> Result<Stamp> {
        limits::check_job(&spec, self.rules(&self.store(), &spec))?;
        let id = spec.id.clone();
        let stamp = self.insert_job(spec)?;
        self.watch_wall_clock(&id);
        self.end_if_due(&id);
        Ok(stamp)
    }

    fn insert_job(&self, spec: JobAdd) -> Result<Stamp> {
        let mut store = self.store();
        if let Some(existing) = store.jobs.get(&key(&spec.id)) {
            existing.job.require_open()?;
            return Err(Code::JobExists.into());
        }
        store.require_not_just_deleted(&spec.id)?;
        let active = |entry: &&JobEntry| entry.job.phase.state != JobState::Completed;
        if store.jobs.values().filter(active).count() >= self.job_quota {
            return Err(Code::ActiveJobAndScheduleQuotaReached.into());
        }
        let job = Job::new(spec, store.next_number());
        let stamp = job.stamp.clone();
        store.jobs.insert(key(&job.spec.id), JobEntry::new(job));
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

    /// Does what a task's end means for its job, if the job wants that.
    pub(super) fn perform_job_action(self: &Arc<Self>, task: &TaskKey) {
        let action = self.job_action(task);
        let id = task.job.clone();
        match action {
            Some(JobAction::Terminate) => self.after_delay(move |service| service.end_failed(&id)),
            Some(JobAction::Disable) => {
                self.begin_disabling(&id, DisableTasks::Requeue);
            }
            Some(JobAction::None) | None => {}
        }
    }

    fn job_action(&self, wanted: &TaskKey) -> Option<JobAction> {
        let store = self.store();
        let job = &store.job(&wanted.job).ok()?.job;
        let acts = job.spec.on_task_failure == OnTaskFailure::PerformExitOptionsJobAction
            && job.phase.state == JobState::Active;
        let task = store.task(wanted).filter(|_| acts)?;
        task.reaction().map(|reaction| reaction.job)
    }

    /// Waits for the ends of runs, and long enough for the state before to be seen.
    pub(super) async fn settle(&self, runs: Vec<CancellationToken>) {
        for over in runs {
            over.cancelled().await;
        }
        sleep(SETTLE.max(self.state_delay.changing)).await;
    }
}

/// Asks every run of a job to end; the tokens tell when they have.
fn stop_runs(entry: &JobEntry, reason: StopReason) -> Vec<CancellationToken> {
    entry.runs().map(|run| run.ask(reason)).collect()
}
