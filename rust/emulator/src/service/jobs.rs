//! The rules of jobs.

mod disabling;
mod termination;
mod updating;

use std::sync::Arc;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::conditions::Conditions;
use super::{MIN_TRANSITION, Service, limits};
use crate::error::{Code, Result};
use crate::store::job::{Job, JobEntry, JobState};
use crate::store::resource::ResourceVersion;
use crate::store::task::StopReason;
use crate::store::{TaskKey, key};
use crate::wire::job::{DisableJobOption, JobCreate, OnTaskFailure};
use crate::wire::task::JobAction;

impl Service {
    /// Creates a job. Its pool need not exist: the service accepts such a job, and its tasks stay
    /// active.
    pub(crate) fn create_job(self: &Arc<Self>, spec: JobCreate) -> Result<ResourceVersion> {
        limits::check_job(&spec, self.rules(&self.store(), &spec))?;
        let id = spec.id.clone();
        let version = self.insert_job(spec)?;
        self.start_job(&id);
        Ok(version)
    }

    /// Starts what follows from the creation of a job.
    pub(super) fn start_job(self: &Arc<Self>, id: &str) {
        self.create_pool_of_job(id);
        self.watch_wall_clock(id);
        self.terminate_if_complete(id);
        self.after_delay(Service::schedule);
    }

    fn insert_job(&self, spec: JobCreate) -> Result<ResourceVersion> {
        let mut store = self.store();
        if let Some(existing) = store.jobs.get(&key(&spec.id)) {
            existing.job.require_open()?;
            return Err(Code::JobExists.into());
        }
        if store.job_schedule(&spec.id).is_ok() {
            return Err(Code::JobScheduleWithSameIdExists.into());
        }
        store.require_not_just_deleted(&spec.id)?;
        self.require_quota(&store)?;
        Ok(store.insert_job(spec))
    }

    /// Returns a job, if the conditions are met.
    pub(crate) fn job(&self, id: &str, conditions: &Conditions) -> Result<Job> {
        let store = self.store();
        let job = &store.job(id)?.job;
        if !self.consistency.finds(job.created) {
            return Err(Code::JobNotFound.into());
        }
        conditions.check_read(&job.version)?;
        Ok(job.clone())
    }

    /// Returns all jobs that lists have, sorted by id.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        let store = self.store();
        let jobs = store.jobs.values().map(|entry| &entry.job);
        jobs.filter(|job| self.consistency.lists(job.created)).cloned().collect()
    }

    /// Performs the job action that follows from the end of a task, if the job has them enabled.
    pub(super) fn perform_job_action(self: &Arc<Self>, task: &TaskKey) {
        let action = self.job_action(task);
        let id = task.job.clone();
        match action {
            Some(JobAction::Terminate) => {
                self.after_delay(move |service| service.terminate_failed(&id))
            }
            Some(JobAction::Disable) => {
                self.begin_disabling(&id, DisableJobOption::Requeue);
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
        task.exit_actions().map(|actions| actions.job)
    }

    /// Waits until the runs have ended, and at least the minimum time of a changing state.
    pub(super) async fn wait_for_runs(&self, runs: Vec<CancellationToken>) {
        for ended in runs {
            ended.cancelled().await;
        }
        sleep(MIN_TRANSITION.max(self.state_delay.changing)).await;
    }
}

/// Asks every run of a job to stop. Returns tokens that are cancelled when the runs have ended.
fn stop_runs(entry: &JobEntry, reason: StopReason) -> Vec<CancellationToken> {
    entry.runs().map(|run| run.request_stop(reason)).collect()
}
