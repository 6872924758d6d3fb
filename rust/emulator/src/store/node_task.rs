//! What a job's preparation and release tasks came to on a node.

use time::OffsetDateTime;

use super::node::ComputeNode;
use super::task::{End, Execution, Placement, RunHandle, TaskResult};
use crate::wire::task::JobPreparationTask;

/// The two tasks on one node, which may have left its pool since.
#[derive(Clone, Default)]
pub(crate) struct NodeTasks {
    pub(crate) preparation: Option<NodeTask>,
    pub(crate) release: Option<NodeTask>,
}

/// Which of the two.
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
    /// When its node was started last before it.
    booted: OffsetDateTime,
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

    /// What was begun of the two, preparation first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &NodeTask> {
        self.preparation.iter().chain(&self.release)
    }
}

impl NodeTask {
    /// A task that starts now on a node.
    pub(crate) fn begin(placement: Placement, node: &ComputeNode) -> NodeTask {
        let started = Some(OffsetDateTime::now_utc());
        let execution = Execution { started, ..Execution::default() };
        NodeTask { execution, placement, run: RunHandle::new(), booted: node.booted }
    }

    /// Writes down that it is tried once more.
    pub(crate) fn retry(&mut self) {
        self.execution.retries += 1;
        self.execution.started = Some(OffsetDateTime::now_utc());
        self.execution.last_retry = self.execution.started;
    }

    /// Writes down its end.
    pub(crate) fn complete(&mut self, end: End) {
        self.execution.ended = Some(OffsetDateTime::now_utc());
        self.execution.end = Some(end);
    }

    pub(crate) fn succeeded(&self) -> bool {
        let end = self.execution.end.as_ref();
        end.is_some_and(|end| end.result == TaskResult::Success)
    }

    /// Whether it came to an end of its own.
    pub(crate) fn has_ended(&self) -> bool {
        self.execution.ended.is_some() && self.run.stop.borrow().is_none()
    }

    /// Whether, as a preparation, it has to run once more before a task can: it was stopped, or
    /// the node was started again since.
    pub(crate) fn is_outdated(&self, spec: &JobPreparationTask, node: &ComputeNode) -> bool {
        let stopped = self.execution.ended.is_some() && !self.has_ended();
        let rebooted = self.booted != node.booted;
        stopped || (rebooted && (spec.rerun_on_node_reboot_after_success || !self.succeeded()))
    }

    /// Whether, as a preparation, it leaves the node to tasks of other jobs only.
    pub(crate) fn bars(&self, spec: &JobPreparationTask, node: &ComputeNode) -> bool {
        spec.wait_for_success
            && self.has_ended()
            && !self.succeeded()
            && !self.is_outdated(spec, node)
    }
}
