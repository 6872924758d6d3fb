//! The pools that are created for jobs and job schedules, and deleted with them.

use std::sync::Arc;

use super::Service;
use super::conditions::Conditions;
use crate::error::{Code, Result};
use crate::store::job::{Job, SchedulingError};
use crate::store::schedule::JobSchedule;
use crate::wire::pool::{AutoPool, PoolLifetime};

impl Service {
    /// Creates the pool of a new job, if the service has to. If that fails, the job is completed
    /// and shows why.
    pub(super) fn create_pool_of_job(self: &Arc<Self>, id: &str) {
        let Ok(job) = self.store().job(id).map(|entry| entry.job.clone()) else { return };
        let Some(auto) = &job.spec.pool_info.auto_pool_specification else { return };
        if let Err(error) = self.create_auto_pool(&job.pool_id, auto) {
            if let Ok(entry) = self.store().job_mut(id) {
                entry.job.fail(scheduling_error(error.code));
            }
            self.after_job_end(id);
        }
    }

    /// Creates a pool with this id, unless an earlier job of the same schedule has created it.
    fn create_auto_pool(self: &Arc<Self>, id: &str, auto: &AutoPool) -> Result<()> {
        match self.insert_pool(id.to_owned(), (*auto.pool).clone()) {
            Err(error) if error.code != Code::PoolExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes the pool that was created for a job, unless it is to be kept.
    pub(super) fn delete_pool_of_job(self: &Arc<Self>, job: &Job) {
        let auto = job.spec.pool_info.auto_pool_specification.as_ref();
        let is_own = |auto: &&AutoPool| auto.pool_lifetime_option == PoolLifetime::Job;
        if auto.filter(is_own).is_some_and(|auto| !auto.keep_alive) {
            self.delete_auto_pool(&job.pool_id);
        }
    }

    /// Deletes the pool that was created for all jobs of a schedule, unless it is to be kept. The
    /// schedule may have had another specification then.
    pub(super) fn delete_pool_of_schedule(self: &Arc<Self>, schedule: &JobSchedule) {
        let auto = schedule.specification.pool_info.auto_pool_specification.as_ref();
        let is_kept = auto.is_some_and(|auto| auto.keep_alive);
        if let Some(id) = schedule.pool_id.as_ref().filter(|_| !is_kept) {
            self.delete_auto_pool(id);
        }
    }

    /// It may have been deleted by a request before.
    fn delete_auto_pool(self: &Arc<Self>, id: &str) {
        self.delete_pool(id, &Conditions::default()).ok();
    }
}

fn scheduling_error(code: Code) -> SchedulingError {
    let name = match code {
        Code::PoolQuotaReached => "AutoPoolCreationFailedWithQuotaReached",
        _ => "InvalidAutoPoolSettings",
    };
    SchedulingError::user(name, code.message())
}
