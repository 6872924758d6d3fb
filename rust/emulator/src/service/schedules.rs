//! The rules of job schedules.

mod changing;
mod running;

use std::sync::Arc;

use time::OffsetDateTime;

use super::conditions::Conditions;
use super::{Service, limits};
use crate::error::{Code, Result};
use crate::store::job::Job;
use crate::store::resource::ResourceVersion;
use crate::store::schedule::{JobSchedule, ScheduleState};
use crate::store::{Store, key};
use crate::wire::schedule::JobScheduleCreate;

/// A job schedule with the time of its next job.
pub(crate) struct ScheduleView {
    pub(crate) schedule: JobSchedule,
    pub(crate) next_run: Option<OffsetDateTime>,
}

impl Service {
    /// Creates a job schedule, and its first job if it is due.
    pub(crate) fn create_job_schedule(
        self: &Arc<Self>,
        spec: JobScheduleCreate,
    ) -> Result<ResourceVersion> {
        let job = spec.job_specification.as_job(&spec.id);
        limits::check_job_schedule(&spec, self.schedule_minimum)?;
        limits::check_job_specification(&job, self.rules(&self.store(), &job))?;
        let id = spec.id.clone();
        let version = self.insert_job_schedule(spec)?;
        self.advance(&id);
        Ok(version)
    }

    fn insert_job_schedule(&self, spec: JobScheduleCreate) -> Result<ResourceVersion> {
        let mut store = self.store();
        if let Ok(existing) = store.job_schedule(&spec.id) {
            existing.require_open()?;
            return Err(Code::JobScheduleExists.into());
        }
        if store.job(&spec.id).is_ok() {
            return Err(Code::JobWithSameIdExists.into());
        }
        self.require_quota(&store)?;
        let schedule = JobSchedule::new(spec);
        let version = schedule.version.clone();
        store.schedules.insert(key(&schedule.id), schedule);
        Ok(version)
    }

    /// Returns a job schedule, if the conditions are met.
    pub(crate) fn job_schedule(&self, id: &str, conditions: &Conditions) -> Result<ScheduleView> {
        let store = self.store();
        let schedule = store.job_schedule(id)?;
        conditions.check_read(&schedule.version)?;
        Ok(view(schedule))
    }

    /// Returns all job schedules, sorted by id.
    pub(crate) fn job_schedules(&self) -> Vec<ScheduleView> {
        self.store().schedules.values().map(view).collect()
    }

    /// Returns the jobs of a schedule, sorted by id.
    pub(crate) fn jobs_of_schedule(&self, id: &str) -> Result<Vec<Job>> {
        let store = self.store();
        store.job_schedule(id)?;
        Ok(store.jobs_of(id).map(|entry| entry.job.clone()).collect())
    }

    /// Returns an error if there are as many active jobs and schedules as the account may have. A
    /// job of a schedule does not count beside it.
    pub(super) fn require_quota(&self, store: &Store) -> Result<()> {
        let is_active = |schedule: &&JobSchedule| schedule.phase.state != ScheduleState::Completed;
        let schedules = store.schedules.values().filter(is_active).count();
        let own = store.jobs.values().filter(|entry| entry.job.schedule().is_none());
        let jobs = own.filter(|entry| !entry.job.is_completed()).count();
        match schedules + jobs < self.job_quota {
            true => Ok(()),
            false => Err(Code::ActiveJobAndScheduleQuotaReached.into()),
        }
    }
}

/// The time of the next job has no meaning for a schedule that is over.
fn view(schedule: &JobSchedule) -> ScheduleView {
    let is_over =
        matches!(schedule.phase.state, ScheduleState::Completed | ScheduleState::Terminating);
    let next_run = schedule.next_run(OffsetDateTime::now_utc()).filter(|_| !is_over);
    ScheduleView { schedule: schedule.clone(), next_run }
}
