//! Jobs that are disabled and enabled again.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::stop_runs;
use crate::error::{ApiError, Code, Result};
use crate::service::Service;
use crate::service::conditions::Conditions;
use crate::store::job::{JobEntry, JobState};
use crate::store::task::StopReason;
use crate::wire::job::DisableTasks;

impl Service {
    /// Starts to disable a job: none of its tasks is started any more, and those that run are
    /// dealt with as asked. The job is disabled once none runs.
    pub(crate) fn disable_job(
        self: &Arc<Self>,
        id: &str,
        tasks: DisableTasks,
        conditions: &Conditions,
    ) -> Result<()> {
        {
            let store = self.store();
            let job = &store.job(id)?.job;
            conditions.check_write(&job.stamp)?;
            job.require_open()?;
            if job.phase.state == JobState::Enabling {
                return Err(ApiError::from(Code::JobNotActive).with("JobId", id));
            }
        }
        self.begin_disabling(id, tasks);
        Ok(())
    }

    /// Moves a job on to be disabled, unless it ends; the end of it follows by itself.
    pub(super) fn begin_disabling(self: &Arc<Self>, id: &str, tasks: DisableTasks) {
        let (number, runs) = {
            let mut store = self.store();
            let Ok(entry) = store.job_mut(id) else { return };
            if entry.job.require_open().is_err() {
                return;
            }
            entry.job.enter(JobState::Disabling);
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
        self.settle(runs).await;
        let mut store = self.store();
        let Ok(entry) = store.job_mut(&id) else { return };
        // It may have been enabled and disabled anew, with tasks that run: that one will finish.
        let is_idle = entry.runs().next().is_none();
        if entry.job.number == number && entry.job.phase.state == JobState::Disabling && is_idle {
            entry.job.enter(JobState::Disabled);
        }
    }

    /// Starts to enable a disabled job; its tasks start once it is active.
    pub(crate) fn enable_job(self: &Arc<Self>, id: &str, conditions: &Conditions) -> Result<()> {
        let number = {
            let mut store = self.store();
            let job = &mut store.job_mut(id)?.job;
            conditions.check_write(&job.stamp)?;
            job.require_open()?;
            if job.phase.state != JobState::Disabled {
                return Err(ApiError::from(Code::JobNotDisabled).with("JobId", id));
            }
            job.enter(JobState::Enabling);
            job.number
        };
        tokio::spawn(Arc::clone(self).finish_enabling(id.to_owned(), number));
        Ok(())
    }

    async fn finish_enabling(self: Arc<Self>, id: String, number: u64) {
        self.settle(Vec::new()).await;
        {
            let mut store = self.store();
            let Ok(entry) = store.job_mut(&id) else { return };
            if entry.job.number != number || entry.job.phase.state != JobState::Enabling {
                return;
            }
            entry.job.enter(JobState::Active);
        }
        self.end_if_due(&id);
        self.after_delay(Service::schedule);
    }
}

/// The runs of a job that have to end, asked to if they are not to be waited for.
fn runs(entry: &JobEntry, tasks: DisableTasks) -> Vec<CancellationToken> {
    match tasks {
        DisableTasks::Requeue => stop_runs(entry, StopReason::Requeue),
        DisableTasks::Terminate => stop_runs(entry, StopReason::UserRequest),
        DisableTasks::Wait => entry.runs().map(|run| run.over.clone()).collect(),
    }
}
