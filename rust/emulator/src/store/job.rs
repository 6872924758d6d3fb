//! Jobs.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;

use super::node::ComputeNode;
use super::node_task::NodeTasks;
use super::stamp::{Phase, Stamp};
use super::task::{Placement, RunHandle, Task};
use super::tasks::Tasks;
use crate::error::{ApiError, Code, Result};
use crate::wire::job::JobAdd;

/// The states of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobState {
    Active,
    Disabling,
    Disabled,
    Enabling,
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
    pub(crate) tasks: Tasks,
    /// What its preparation and release tasks came to, by the ids of the nodes.
    pub(crate) node_tasks: BTreeMap<String, NodeTasks>,
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

    /// Refuses what a job allows only until it ends, with the code that names its state.
    pub(crate) fn require_open(&self) -> Result<()> {
        let code = match self.phase.state {
            JobState::Terminating => Code::JobBeingTerminated,
            JobState::Completed => Code::JobCompleted,
            JobState::Deleting => Code::JobBeingDeleted,
            _ => return Ok(()),
        };
        Err(code.into())
    }

    /// Refuses what a job that is being deleted no longer allows.
    pub(crate) fn require_not_deleting(&self) -> Result<()> {
        match self.phase.state {
            JobState::Deleting => self.require_open(),
            _ => Ok(()),
        }
    }

    /// Refuses the ids of its preparation and release tasks.
    pub(crate) fn require_free(&self, task_id: &str) -> Result<()> {
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

    /// How many of its tasks may run at the same time.
    pub(crate) fn most_running(&self) -> usize {
        let most = self.spec.max_parallel_tasks.and_then(|most| usize::try_from(most).ok());
        most.unwrap_or(usize::MAX)
    }
}

impl JobEntry {
    pub(crate) fn new(job: Job) -> JobEntry {
        JobEntry { job, tasks: Tasks::default(), node_tasks: BTreeMap::new() }
    }

    /// Every run that goes on for the job.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &RunHandle> {
        let of_nodes = self.node_tasks.values().flat_map(NodeTasks::all).map(|task| &task.run);
        let tasks = self.tasks.iter().filter_map(|task| task.run.as_ref());
        tasks.chain(of_nodes.filter(|run| !run.over.is_cancelled()))
    }

    /// Where its tasks, and those of its nodes, have files.
    pub(crate) fn placements(&self) -> Vec<Placement> {
        let of_nodes = self.node_tasks.values().flat_map(NodeTasks::all);
        let tasks = self.tasks.iter().filter_map(|task| task.placement.clone());
        tasks.chain(of_nodes.map(|task| task.placement.clone())).collect()
    }

    /// Whether its preparation failed on a node, so that none of its tasks may run there.
    pub(crate) fn is_barred_from(&self, node: &ComputeNode) -> bool {
        let spec = self.job.spec.job_preparation_task.as_ref();
        let done = self.node_tasks.get(&node.id).and_then(|tasks| tasks.preparation.as_ref());
        spec.zip(done).is_some_and(|(spec, done)| done.bars(spec, node))
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
