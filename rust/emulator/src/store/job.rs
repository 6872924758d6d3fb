//! Jobs.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;

use super::key;
use super::stamp::{Phase, Stamp};
use super::task::{Task, TaskState};
use crate::error::{ApiError, Code, Result};
use crate::wire::job::JobAdd;

/// The states of a job that the emulator knows; it does not disable jobs yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobState {
    Active,
    Terminating,
    Completed,
    Deleting,
}

/// A job without its tasks.
#[derive(Clone)]
pub(crate) struct Job {
    /// As created and later changed.
    pub(crate) spec: JobAdd,
    pub(crate) number: u64,
    pub(crate) created: OffsetDateTime,
    pub(crate) stamp: Stamp,
    pub(crate) phase: Phase<JobState>,
    pub(crate) ended: Option<JobEnd>,
}

/// How a job ended.
#[derive(Clone)]
pub(crate) struct JobEnd {
    pub(crate) at: OffsetDateTime,
    pub(crate) reason: String,
}

/// A job and its tasks.
pub(crate) struct JobEntry {
    pub(crate) job: Job,
    pub(crate) tasks: BTreeMap<String, Task>,
}

impl Job {
    /// A job as it is right after its creation.
    pub(crate) fn new(spec: JobAdd, number: u64) -> Job {
        let phase = Phase::new(JobState::Active);
        Job { spec, number, created: phase.since, stamp: Stamp::new(), phase, ended: None }
    }

    /// Enters a state, which is a new version of the job.
    pub(crate) fn enter(&mut self, state: JobState) {
        self.phase.enter(state);
        self.stamp = Stamp::new();
    }

    /// Refuses what only an active job allows, with the code that names the job's state.
    pub(crate) fn require_active(&self) -> Result<()> {
        let code = match self.phase.state {
            JobState::Active => return Ok(()),
            JobState::Terminating => Code::JobBeingTerminated,
            JobState::Completed => Code::JobCompleted,
            JobState::Deleting => Code::JobBeingDeleted,
        };
        Err(ApiError::from(code).with("JobId", &*self.spec.id))
    }

    /// Refuses what a job that is being deleted no longer allows.
    pub(crate) fn require_not_deleting(&self) -> Result<()> {
        match self.phase.state {
            JobState::Deleting => self.require_active(),
            _ => Ok(()),
        }
    }
}

impl JobEntry {
    pub(crate) fn task(&self, id: &str) -> Result<&Task> {
        self.tasks.get(&key(id)).ok_or_else(|| self.task_not_found(id))
    }

    pub(crate) fn task_mut(&mut self, id: &str) -> Result<&mut Task> {
        let missing = self.task_not_found(id);
        self.tasks.get_mut(&key(id)).ok_or(missing)
    }

    fn task_not_found(&self, id: &str) -> ApiError {
        ApiError::from(Code::TaskNotFound).with("JobId", &*self.job.spec.id).with("TaskId", id)
    }

    /// Whether every task is completed, as it is where there is none.
    pub(crate) fn is_done(&self) -> bool {
        self.tasks.values().all(|task| task.phase.state == TaskState::Completed)
    }
}
