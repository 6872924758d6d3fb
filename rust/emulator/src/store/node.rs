//! Nodes of pools.

use std::collections::BTreeMap;

use serde::Serialize;

use super::TaskKey;
use super::stamp::Phase;

/// The states of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NodeState {
    Idle,
    Running,
}

/// A node of a pool: the service's view of it.
#[derive(Clone)]
pub(crate) struct ComputeNode {
    pub(crate) id: String,
    pub(crate) is_dedicated: bool,
    pub(crate) phase: Phase<NodeState>,
    /// The slots of the node, taken and free.
    slots: u32,
    /// The tasks that it runs by their numbers, each with its slots.
    tasks: BTreeMap<u64, (TaskKey, u32)>,
}

impl ComputeNode {
    /// A node that takes tasks.
    pub(crate) fn new(id: String, is_dedicated: bool, slots: u32) -> ComputeNode {
        let phase = Phase::new(NodeState::Idle);
        ComputeNode { id, is_dedicated, phase, slots, tasks: BTreeMap::new() }
    }

    /// The slots that another task can take.
    pub(crate) fn free_slots(&self) -> u32 {
        self.slots.saturating_sub(self.tasks.values().map(|(_, slots)| slots).sum())
    }

    /// Gives a task its slots.
    pub(crate) fn begin(&mut self, task: TaskKey, slots: u32) {
        self.tasks.insert(task.number, (task, slots));
        self.settle();
    }

    /// Takes back the slots of a task.
    pub(crate) fn end(&mut self, task: &TaskKey) {
        self.tasks.remove(&task.number);
        self.settle();
    }

    /// A node that works is running as long as it has tasks.
    fn settle(&mut self) {
        let state = if self.tasks.is_empty() { NodeState::Idle } else { NodeState::Running };
        if self.phase.state != state {
            self.phase.enter(state);
        }
    }
}
