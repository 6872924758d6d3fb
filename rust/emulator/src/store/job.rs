//! Jobs.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;

use super::node::ComputeNode;
use super::node_task::NodeTasks;
use super::resource::{Phase, ResourceVersion};
use super::statistics::Totals;
use super::task::{Category, Placement, RunHandle, Task};
use super::tasks::Tasks;
use crate::error::{ApiError, Code, Result};
use crate::wire::job::JobCreate;

/// The states of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobState {
    Active,
    Disabling,
    Disabled,
    Terminating,
    Completed,
    Deleting,
}

/// A job without its tasks.
#[derive(Clone)]
pub(crate) struct Job {
    /// As created and updated.
    pub(crate) spec: JobCreate,
    pub(crate) number: u64,
    /// The id of its pool, which the service may have created for it.
    pub(crate) pool_id: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) version: ResourceVersion,
    pub(crate) phase: Phase<JobState>,
    /// Why it was terminated; there from the moment at which it is terminating.
    pub(crate) terminate_reason: Option<String>,
    pub(crate) ended: Option<OffsetDateTime>,
    pub(crate) scheduling_error: Option<SchedulingError>,
}

/// Why a job could not be started.
#[derive(Clone, Serialize)]
pub(crate) struct SchedulingError {
    category: Category,
    code: &'static str,
    message: &'static str,
}

impl SchedulingError {
    /// Returns an error that the author of the job can fix.
    pub(crate) fn user(code: &'static str, message: &'static str) -> SchedulingError {
        SchedulingError { category: Category::UserError, code, message }
    }
}

/// A job and its tasks.
pub(crate) struct JobEntry {
    pub(crate) job: Job,
    pub(crate) tasks: Tasks,
    /// Its preparation and release tasks, by node id.
    pub(crate) node_tasks: BTreeMap<String, NodeTasks>,
    /// The statistics of its deleted tasks.
    pub(crate) removed: Totals,
}

impl Job {
    /// Returns a new job.
    pub(crate) fn new(spec: JobCreate, number: u64) -> Job {
        let phase = Phase::new(JobState::Active);
        Job {
            pool_id: spec.pool_info.resolve(),
            spec,
            number,
            created: phase.since,
            version: ResourceVersion::new(),
            phase,
            terminate_reason: None,
            ended: None,
            scheduling_error: None,
        }
    }

    /// Completes a job that cannot be started.
    pub(crate) fn fail(&mut self, error: SchedulingError) {
        self.change_state(JobState::Completed);
        self.ended = Some(self.phase.since);
        self.scheduling_error = Some(error);
    }

    /// Changes the state by a request, or by the service's decision to end or disable the job. A
    /// state that follows from an earlier one leaves the version as it is.
    pub(crate) fn change_state(&mut self, state: JobState) {
        self.enter(state);
        self.version = ResourceVersion::new();
    }

    /// Enters a state. The service never shows a passing state as the previous one.
    pub(crate) fn enter(&mut self, state: JobState) {
        match self.phase.state {
            JobState::Disabling | JobState::Terminating => self.phase.follow(state),
            _ => self.phase.enter(state),
        }
    }

    /// Returns the id of the schedule that created the job, if one did.
    pub(crate) fn schedule(&self) -> Option<&str> {
        Job::schedule_of(&self.spec.id)
    }

    /// Returns the id of the schedule in the id of a job. Other ids have no colon.
    pub(crate) fn schedule_of(id: &str) -> Option<&str> {
        id.split_once(':').map(|(schedule, _)| schedule)
    }

    pub(crate) fn is_completed(&self) -> bool {
        self.phase.state == JobState::Completed
    }

    /// Returns an error that names the state, unless the job is open: neither ending nor completed.
    pub(crate) fn require_open(&self) -> Result<()> {
        let code = match self.phase.state {
            JobState::Terminating => Code::JobBeingTerminated,
            JobState::Completed => Code::JobCompleted,
            JobState::Deleting => Code::JobBeingDeleted,
            _ => return Ok(()),
        };
        Err(code.into())
    }

    /// Returns an error if the job is being deleted.
    pub(crate) fn require_not_deleting(&self) -> Result<()> {
        match self.phase.state {
            JobState::Deleting => self.require_open(),
            _ => Ok(()),
        }
    }

    /// Returns an error if the id is that of the preparation or release task.
    pub(crate) fn require_unused_id(&self, task_id: &str) -> Result<()> {
        let preparation = self.spec.job_preparation_task.as_ref().map(|task| task.id.as_str());
        let release = self.spec.job_release_task.as_ref().map(|task| task.id.as_str());
        let taken = |id: Option<&str>| id.is_some_and(|id| id.eq_ignore_ascii_case(task_id));
        let code = match (taken(preparation), taken(release)) {
            (true, _) => Code::TaskIdSameAsJobPreparationTask,
            (_, true) => Code::TaskIdSameAsJobReleaseTask,
            _ => return Ok(()),
        };
        Err(ApiError::from(code).with("TaskId", task_id))
    }

    /// Returns how many of its tasks may run at the same time.
    pub(crate) fn max_parallel_tasks(&self) -> usize {
        let most = self.spec.max_parallel_tasks.and_then(|most| usize::try_from(most).ok());
        most.unwrap_or(usize::MAX)
    }
}

impl JobEntry {
    pub(crate) fn new(job: Job) -> JobEntry {
        let (tasks, node_tasks) = (Tasks::default(), BTreeMap::new());
        JobEntry { job, tasks, node_tasks, removed: Totals::default() }
    }

    /// Returns all runs of the job that have not ended.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &RunHandle> {
        let of_nodes = self.node_tasks.values().flat_map(NodeTasks::all).map(|task| &task.run);
        let tasks = self.tasks.iter().filter_map(|task| task.run.as_ref());
        tasks.chain(of_nodes.filter(|run| !run.ended.is_cancelled()))
    }

    /// Returns the statistics of all its tasks now.
    pub(crate) fn totals(&self) -> Totals {
        [self.removed].into_iter().chain(self.tasks.iter().map(Totals::of)).sum()
    }

    /// Returns where its tasks have files, including preparation and release tasks.
    pub(crate) fn placements(&self) -> Vec<Placement> {
        let of_nodes = self.node_tasks.values().flat_map(NodeTasks::all);
        let tasks = self.tasks.iter().filter_map(|task| task.placement.clone());
        tasks.chain(of_nodes.map(|task| task.placement.clone())).collect()
    }

    /// Returns whether its preparation task failed on the node, so that its tasks cannot run there.
    pub(crate) fn is_excluded_from(&self, node: &ComputeNode) -> bool {
        let spec = self.job.spec.job_preparation_task.as_ref();
        let done = self.node_tasks.get(&node.id).and_then(|tasks| tasks.preparation.as_ref());
        spec.zip(done).is_some_and(|(spec, done)| done.excludes(spec, node))
    }

    pub(crate) fn task(&self, id: &str) -> Result<&Task> {
        self.tasks.get(id).ok_or(Code::TaskNotFound.into())
    }

    pub(crate) fn change_task<R>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Task) -> R,
    ) -> Result<R> {
        self.tasks.change(id, change).ok_or(Code::TaskNotFound.into())
    }
}
