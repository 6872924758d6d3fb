//! Changes of job schedules by request.

use std::sync::Arc;

use crate::error::{Code, Result};
use crate::service::conditions::Conditions;
use crate::service::{MIN_TRANSITION, Service, limits};
use crate::store::resource::ResourceVersion;
use crate::store::schedule::{JobSchedule, ScheduleState};
use crate::wire::schedule::{JobScheduleReplace, JobScheduleUpdate, JobSpecification, Schedule};

/// The terminate reason of a job whose schedule is terminated.
const TERMINATE_JOB_SCHEDULE: &str = "TerminateJobSchedule";

impl Service {
    /// Changes the properties that are present. An active job keeps the old ones.
    pub(crate) fn update_job_schedule(
        self: &Arc<Self>,
        id: &str,
        update: JobScheduleUpdate,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        self.check_changes(id, update.schedule.as_ref(), update.job_specification.as_ref())?;
        limits::check_metadata(update.metadata.as_deref())?;
        self.change_job_schedule(id, conditions, |schedule| {
            schedule.schedule = update.schedule.unwrap_or_else(|| schedule.schedule.clone());
            schedule.metadata = update.metadata.or_else(|| schedule.metadata.take());
            if let Some(specification) = update.job_specification {
                schedule.specification = specification;
            }
            schedule.version = ResourceVersion::new();
            Ok(())
        })
    }

    /// Replaces everything that can be changed; absent properties are removed.
    pub(crate) fn replace_job_schedule(
        self: &Arc<Self>,
        id: &str,
        new: JobScheduleReplace,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        self.check_changes(id, new.schedule.as_ref(), Some(&new.job_specification))?;
        limits::check_metadata(new.metadata.as_deref())?;
        self.change_job_schedule(id, conditions, |schedule| {
            schedule.schedule = new.schedule.unwrap_or_default();
            schedule.metadata = new.metadata;
            schedule.specification = new.job_specification;
            schedule.version = ResourceVersion::new();
            Ok(())
        })
    }

    fn check_changes(
        &self,
        id: &str,
        schedule: Option<&Schedule>,
        specification: Option<&JobSpecification>,
    ) -> Result<()> {
        let minimum = self.schedule_minimum;
        schedule.map_or(Ok(()), |schedule| limits::check_schedule(schedule, minimum))?;
        let Some(specification) = specification else { return Ok(()) };
        let store = self.store();
        let job = specification.as_job(&store.job_schedule(id)?.id);
        limits::check_job_specification(&job, self.rules(&store, &job))
    }

    /// Disables a job schedule: it creates no jobs until it is enabled. An active job goes on.
    pub(crate) fn disable_job_schedule(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        self.change_job_schedule(id, conditions, |schedule| match schedule.phase.state {
            ScheduleState::Disabled => Err(Code::JobScheduleDisabled.into()),
            _ => {
                schedule.change_state(ScheduleState::Disabled);
                Ok(())
            }
        })
    }

    /// Enables a job schedule. Times that came while it was disabled are lost with their windows.
    pub(crate) fn enable_job_schedule(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        self.change_job_schedule(id, conditions, |schedule| {
            if schedule.phase.state == ScheduleState::Disabled {
                schedule.change_state(ScheduleState::Active);
            }
            Ok(())
        })
    }

    /// Starts to terminate a job schedule and its active job.
    pub(crate) fn terminate_job_schedule(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        let version = self.change_job_schedule(id, conditions, |schedule| {
            schedule.change_state(ScheduleState::Terminating);
            Ok(())
        })?;
        for job in self.jobs_of_schedule(id)? {
            self.begin_termination(&job.spec.id, TERMINATE_JOB_SCHEDULE);
        }
        self.advance_later(id);
        Ok(version)
    }

    /// Starts to delete a job schedule with its jobs.
    pub(crate) fn delete_job_schedule(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
    ) -> Result<()> {
        {
            let mut store = self.store();
            let schedule = store.job_schedule_mut(id)?;
            conditions.check_write(&schedule.version)?;
            schedule.require_not_deleting()?;
            schedule.enter(ScheduleState::Deleting);
        }
        for job in self.jobs_of_schedule(id)? {
            // It may be being deleted already.
            self.delete_job(&job.spec.id, &Conditions::default()).ok();
        }
        self.advance_later(id);
        Ok(())
    }

    /// Takes the next step once a passing state has been shown long enough.
    fn advance_later(self: &Arc<Self>, id: &str) {
        let least = MIN_TRANSITION.max(self.state_delay.changing);
        tokio::spawn(Arc::clone(self).advance_in(least, id.to_owned()));
    }

    fn change_job_schedule(
        self: &Arc<Self>,
        id: &str,
        conditions: &Conditions,
        change: impl FnOnce(&mut JobSchedule) -> Result<()>,
    ) -> Result<ResourceVersion> {
        let version = {
            let mut store = self.store();
            let schedule = store.job_schedule_mut(id)?;
            conditions.check_write(&schedule.version)?;
            schedule.require_open()?;
            change(schedule)?;
            schedule.version.clone()
        };
        self.advance(id);
        Ok(version)
    }
}
