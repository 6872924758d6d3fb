//! Disabling and enabling jobs.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::stop_runs;
use crate::error::{ApiError, Code, Result};
use crate::service::Service;
use crate::service::conditions::Conditions;
use crate::store::job::{JobEntry, JobState};
use crate::store::resource::ResourceVersion;
use crate::store::task::StopReason;
use crate::wire::job::DisableJobOption;

impl Service {
    /// Starts to disable a job: none of its tasks start any more, and running ones are stopped or
    /// awaited. The job is disabled once no task runs.
    pub(crate) fn disable_job(
        self: &Arc<Self>,
        id: &str,
        tasks: DisableJobOption,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        {
            let store = self.store();
            let job = &store.job(id)?.job;
            conditions.check_write(&job.version)?;
            job.require_open()?;
        }
        self.begin_disabling(id, tasks);
        Ok(self.store().job(id)?.job.version.clone())
    }

    /// Moves a job to the disabling state, unless it is ending, and disables it in the background.
    pub(super) fn begin_disabling(self: &Arc<Self>, id: &str, tasks: DisableJobOption) {
        let (number, runs) = {
            let mut store = self.store();
            let Ok(entry) = store.job_mut(id) else { return };
            if entry.job.require_open().is_err() {
                return;
            }
            entry.job.change_state(JobState::Disabling);
            (entry.job.number, runs(entry, tasks))
        };
        tokio::spawn(Arc::clone(self).finish_disabling(id.to_owned(), number, runs));
    }

    async fn finish_disabling(
        self: Arc<Self>,
        id: String,
        number: u64,
        runs: Vec<CancellationToken>,
    ) {
        self.wait_for_runs(runs).await;
        let mut store = self.store();
        let Ok(entry) = store.job_mut(&id) else { return };
        // The job may have been enabled and disabled again, with running tasks: then that call
        // finishes.
        let is_idle = entry.runs().next().is_none();
        if entry.job.number == number && entry.job.phase.state == JobState::Disabling && is_idle {
            entry.job.enter(JobState::Disabled);
        }
    }

    /// Enables a job that is disabled or being disabled: it is active at once.
    pub(crate) fn enable_job(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        let version = {
            let mut store = self.store();
            let job = &mut store.job_mut(id)?.job;
            conditions.check_write(&job.version)?;
            job.require_open()?;
            if job.phase.state == JobState::Active {
                return Err(ApiError::from(Code::JobNotDisabled).with("JobId", id));
            }
            job.change_state(JobState::Active);
            job.version.clone()
        };
        self.terminate_if_complete(id);
        self.after_delay(Service::schedule);
        Ok(version)
    }
}

/// Returns the runs to wait for, and asks them to stop unless the option is to wait.
fn runs(entry: &JobEntry, tasks: DisableJobOption) -> Vec<CancellationToken> {
    match tasks {
        DisableJobOption::Requeue => stop_runs(entry, StopReason::Requeue),
        DisableJobOption::Terminate => stop_runs(entry, StopReason::UserRequest),
        DisableJobOption::Wait => entry.runs().map(|run| run.ended.clone()).collect(),
    }
}
