//! Nodes of pools.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::TaskKey;
use super::stamp::Phase;
use super::start_task::StartTaskInfo;
use super::task::{RunHandle, StopReason, TaskResult};
use crate::error::{ApiError, Code, Result};
use crate::settings::NodeError;

/// The most tasks that a node's recentTasks names.
const RECENT: usize = 10;

/// The states of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NodeState {
    Creating,
    Starting,
    WaitingForStartTask,
    StartTaskFailed,
    Idle,
    Running,
    Offline,
    Rebooting,
    LeavingPool,
    Unusable,
    Unknown,
    Preempted,
}

/// A node of a pool: the service's view of it.
#[derive(Clone)]
pub(crate) struct ComputeNode {
    pub(crate) id: String,
    pub(crate) is_dedicated: bool,
    pub(crate) allocated: OffsetDateTime,
    /// When it was started last.
    pub(crate) booted: OffsetDateTime,
    pub(crate) phase: Phase<NodeState>,
    /// Whether it gets tasks as long as it is ready.
    pub(crate) schedules: bool,
    pub(crate) errors: Vec<NodeError>,
    pub(crate) start_task_info: Option<StartTaskInfo>,
    /// Its last start.
    pub(crate) boot: Option<RunHandle>,
    pub(crate) total_run: u32,
    pub(crate) total_succeeded: u32,
    /// The last tasks that started or ended on it, the latest last.
    pub(crate) recent: VecDeque<TaskKey>,
    /// The slots of the node, taken and free.
    slots: u32,
    /// The tasks that it runs by their numbers, each with its slots.
    tasks: BTreeMap<u64, (TaskKey, u32)>,
}

impl ComputeNode {
    /// A node that was just allocated and takes no tasks yet.
    pub(crate) fn new(id: String, is_dedicated: bool, slots: u32) -> ComputeNode {
        let phase = Phase::new(NodeState::Creating);
        ComputeNode {
            id,
            is_dedicated,
            allocated: phase.since,
            booted: phase.since,
            phase,
            schedules: true,
            errors: Vec::new(),
            start_task_info: None,
            boot: None,
            total_run: 0,
            total_succeeded: 0,
            recent: VecDeque::new(),
            slots,
            tasks: BTreeMap::new(),
        }
    }

    /// Starts it anew, without what was wrong with it.
    pub(crate) fn start(&mut self, boot: RunHandle) {
        self.errors.clear();
        self.start_task_info = None;
        self.boot = Some(boot);
        self.phase.enter(NodeState::Starting);
        self.booted = self.phase.since;
    }

    /// Puts it into a state in which it gets no tasks; the token tells when a start that went on
    /// is over.
    pub(super) fn stop(&mut self, state: NodeState) -> Option<CancellationToken> {
        self.phase.enter(state);
        self.boot.take().map(|boot| boot.ask(StopReason::Discarded))
    }

    /// From now on it takes tasks.
    pub(crate) fn get_ready(&mut self) {
        self.phase.enter(NodeState::Idle);
        self.settle();
    }

    /// Lets it get tasks, or no more of them.
    ///
    /// # Errors
    /// `NodeAlreadyInTargetSchedulingState` where that is so already.
    pub(crate) fn set_scheduling(&mut self, schedules: bool) -> Result<()> {
        if self.schedules == schedules {
            return Err(
                ApiError::from(Code::NodeAlreadyInTargetSchedulingState).with("NodeId", &*self.id)
            );
        }
        self.schedules = schedules;
        self.settle();
        Ok(())
    }

    /// The slots that another task can take.
    pub(crate) fn free_slots(&self) -> u32 {
        if self.is_ready() && self.schedules {
            self.slots.saturating_sub(self.running_slots())
        } else {
            0
        }
    }

    /// The slots of the tasks that it runs.
    pub(crate) fn running_slots(&self) -> u32 {
        self.tasks.values().map(|(_, slots)| slots).sum()
    }

    /// The tasks that it runs.
    pub(crate) fn running(&self) -> impl ExactSizeIterator<Item = &TaskKey> {
        self.tasks.values().map(|(task, _)| task)
    }

    /// Gives a task its slots.
    pub(crate) fn begin(&mut self, task: TaskKey, slots: u32) {
        self.note(&task);
        self.tasks.insert(task.number, (task, slots));
        self.settle();
    }

    /// Takes back the slots of a task, which may be active again or completed with this result.
    pub(crate) fn end(&mut self, task: &TaskKey, result: Option<TaskResult>) {
        self.tasks.remove(&task.number);
        self.note(task);
        self.total_run += u32::from(result.is_some());
        self.total_succeeded += u32::from(result == Some(TaskResult::Success));
        self.settle();
    }

    /// Refuses what needs a node that can be reached.
    pub(crate) fn require_reachable(&self) -> Result<()> {
        let others =
            [NodeState::LeavingPool, NodeState::WaitingForStartTask, NodeState::StartTaskFailed];
        match self.is_ready() || others.contains(&self.phase.state) {
            true => Ok(()),
            false => Err(ApiError::from(Code::NodeNotReady).with("NodeId", &*self.id)),
        }
    }

    fn is_ready(&self) -> bool {
        matches!(self.phase.state, NodeState::Idle | NodeState::Running | NodeState::Offline)
    }

    fn note(&mut self, task: &TaskKey) {
        self.recent.retain(|known| known.number != task.number);
        self.recent.push_back(task.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// A node that is ready is running as long as it has tasks, else idle, or offline if it gets
    /// none.
    fn settle(&mut self) {
        let state = match (self.tasks.is_empty(), self.schedules) {
            (false, _) => NodeState::Running,
            (true, true) => NodeState::Idle,
            (true, false) => NodeState::Offline,
        };
        if self.is_ready() && self.phase.state != state {
            self.phase.enter(state);
        }
    }
}
