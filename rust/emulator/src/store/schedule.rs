//! Job schedules.

use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;
use tokio_util::task::AbortOnDropHandle;

use super::recurrence::Recurrence;
use super::resource::{Phase, ResourceVersion};
use super::statistics::Totals;
use crate::error::{Code, Result};
use crate::wire::common::MetadataItem;
use crate::wire::job::JobCreate;
use crate::wire::pool::PoolLifetime;
use crate::wire::schedule::{JobScheduleCreate, JobSpecification, Schedule};

/// The states of a job schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScheduleState {
    Active,
    Completed,
    Disabled,
    Terminating,
    Deleting,
}

/// A job schedule. The ids of its jobs begin with its own and a colon, which no other id has.
#[derive(Clone)]
pub(crate) struct JobSchedule {
    pub(crate) id: String,
    pub(crate) display_name: Option<String>,
    pub(crate) schedule: Schedule,
    pub(crate) specification: JobSpecification,
    pub(crate) metadata: Option<Vec<MetadataItem>>,
    pub(crate) created: OffsetDateTime,
    pub(crate) version: ResourceVersion,
    pub(crate) phase: Phase<ScheduleState>,
    pub(crate) ended: Option<OffsetDateTime>,
    /// The id of the pool that was created for all its jobs.
    pub(crate) pool_id: Option<String>,
    /// The statistics of its deleted jobs.
    pub(crate) removed: Totals,
    /// How many jobs it has created.
    jobs: u64,
    /// The time for which the last job was created.
    last_run: Option<OffsetDateTime>,
    /// Waits for the next job. Aborted with the schedule.
    pub(crate) timer: Option<Arc<AbortOnDropHandle<()>>>,
}

impl JobSchedule {
    /// Returns a new schedule.
    pub(crate) fn new(spec: JobScheduleCreate) -> JobSchedule {
        let phase = Phase::new(ScheduleState::Active);
        JobSchedule {
            id: spec.id,
            display_name: spec.display_name,
            schedule: spec.schedule,
            specification: spec.job_specification,
            metadata: spec.metadata,
            created: phase.since,
            version: ResourceVersion::new(),
            phase,
            ended: None,
            pool_id: None,
            removed: Totals::default(),
            jobs: 0,
            last_run: None,
            timer: None,
        }
    }

    /// Changes the state by a request, or by the service's decision to end the schedule.
    pub(crate) fn change_state(&mut self, state: ScheduleState) {
        self.enter(state);
        self.version = ResourceVersion::new();
    }

    /// Enters a state. The service never shows a passing state as the previous one.
    pub(crate) fn enter(&mut self, state: ScheduleState) {
        self.timer = None;
        match self.phase.state {
            ScheduleState::Terminating => self.phase.follow(state),
            _ => self.phase.enter(state),
        }
        if state == ScheduleState::Completed {
            self.ended = Some(self.phase.since);
        }
    }

    /// Returns an error that names the state, unless the schedule is active or disabled.
    pub(crate) fn require_open(&self) -> Result<()> {
        let code = match self.phase.state {
            ScheduleState::Terminating => Code::JobScheduleBeingTerminated,
            ScheduleState::Completed => Code::JobScheduleCompleted,
            ScheduleState::Deleting => Code::JobScheduleBeingDeleted,
            ScheduleState::Active | ScheduleState::Disabled => return Ok(()),
        };
        Err(code.into())
    }

    /// Returns an error if the schedule is being deleted.
    pub(crate) fn require_not_deleting(&self) -> Result<()> {
        match self.phase.state {
            ScheduleState::Deleting => self.require_open(),
            _ => Ok(()),
        }
    }

    /// Counts a job that is created for this time, and returns its id.
    pub(crate) fn next_job(&mut self, due: OffsetDateTime) -> String {
        self.jobs += 1;
        self.last_run = Some(due);
        self.job_id()
    }

    /// Returns the last job. All jobs have the same pool if it exists for the schedule.
    pub(crate) fn job(&mut self) -> (JobCreate, Option<String>) {
        let spec = self.specification.as_job(&self.job_id());
        let auto = spec.pool_info.auto_pool_specification.as_ref();
        let shared = auto.filter(|auto| auto.pool_lifetime_option == PoolLifetime::JobSchedule);
        let pool = shared.map(|auto| self.pool_id.get_or_insert_with(|| auto.new_id()).clone());
        (spec, pool)
    }

    /// Returns the id of the last job.
    pub(crate) fn recent_job(&self) -> Option<String> {
        (self.jobs > 0).then(|| self.job_id())
    }

    fn job_id(&self) -> String {
        format!("{}:job-{}", self.id, self.jobs)
    }

    /// Returns the time of the next job, which may have come already.
    pub(crate) fn next_run(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        Recurrence::of(&self.schedule, self.created).next(self.last_run, now)
    }

    /// Returns whether no job will be created any more.
    pub(crate) fn is_over(&self, now: OffsetDateTime) -> bool {
        Recurrence::of(&self.schedule, self.created).is_over(self.last_run, now)
    }
}
