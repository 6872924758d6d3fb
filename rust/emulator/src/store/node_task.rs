//! The preparation and release tasks of a job on a node.

use time::OffsetDateTime;

use super::node::ComputeNode;
use super::task::{End, Execution, Placement, RunHandle, TaskResult};
use crate::wire::task::JobPreparationTask;

/// The two tasks on one node, which may have left its pool by now.
#[derive(Clone, Default)]
pub(crate) struct NodeTasks {
    pub(crate) preparation: Option<NodeTask>,
    pub(crate) release: Option<NodeTask>,
}

/// The kind of such a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeTaskKind {
    Preparation,
    Release,
}

/// One of the two tasks.
#[derive(Clone)]
pub(crate) struct NodeTask {
    pub(crate) execution: Execution,
    pub(crate) placement: Placement,
    pub(crate) run: RunHandle,
    /// When its node had last been started before.
    booted: Option<OffsetDateTime>,
}

impl NodeTasks {
    pub(crate) fn set(&mut self, kind: NodeTaskKind, task: NodeTask) {
        match kind {
            NodeTaskKind::Preparation => self.preparation = Some(task),
            NodeTaskKind::Release => self.release = Some(task),
        }
    }

    pub(crate) fn get_mut(&mut self, kind: NodeTaskKind) -> Option<&mut NodeTask> {
        match kind {
            NodeTaskKind::Preparation => self.preparation.as_mut(),
            NodeTaskKind::Release => self.release.as_mut(),
        }
    }

    /// Returns the tasks that were started, preparation first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &NodeTask> {
        self.preparation.iter().chain(&self.release)
    }
}

impl NodeTask {
    /// Returns a task that starts now on a node.
    pub(crate) fn begin(placement: Placement, node: &ComputeNode) -> NodeTask {
        let started = Some(OffsetDateTime::now_utc());
        let execution = Execution { started, ..Execution::default() };
        NodeTask { execution, placement, run: RunHandle::new(), booted: node.booted }
    }

    /// Records a retry.
    pub(crate) fn retry(&mut self) {
        self.execution.retries += 1;
        self.execution.started = Some(OffsetDateTime::now_utc());
        self.execution.last_retry = self.execution.started;
    }

    /// Records the end.
    pub(crate) fn complete(&mut self, end: End) {
        self.execution.ended = Some(OffsetDateTime::now_utc());
        self.execution.end = Some(end);
    }

    pub(crate) fn succeeded(&self) -> bool {
        let end = self.execution.end.as_ref();
        end.is_some_and(|end| end.result == TaskResult::Success)
    }

    /// Returns whether it ended without being stopped.
    pub(crate) fn has_ended(&self) -> bool {
        self.execution.ended.is_some() && self.run.stop.borrow().is_none()
    }

    /// Returns whether a preparation task must run again before a task can: it was stopped, or the
    /// node was restarted.
    pub(crate) fn is_outdated(&self, spec: &JobPreparationTask, node: &ComputeNode) -> bool {
        let stopped = self.execution.ended.is_some() && !self.has_ended();
        let rebooted = self.booted != node.booted;
        stopped || (rebooted && (spec.rerun_on_node_reboot_after_success || !self.succeeded()))
    }

    /// Returns whether this failed preparation task prevents the job's tasks from running on the
    /// node.
    pub(crate) fn excludes(&self, spec: &JobPreparationTask, node: &ComputeNode) -> bool {
        spec.wait_for_success
            && self.has_ended()
            && !self.succeeded()
            && !self.is_outdated(spec, node)
    }
}
