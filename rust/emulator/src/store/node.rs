//! Nodes of pools.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::TaskKey;
use super::resource::Phase;
use super::start_task::StartTaskInfo;
use super::task::{RunHandle, StopReason, TaskResult};
use crate::error::{ApiError, Code, Result};
use crate::settings::NodeError;

/// The most items of a node's `recentTasks`.
const MAX_RECENT_TASKS: usize = 10;

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
    Reimaging,
    LeavingPool,
    Unusable,
    Unknown,
    Preempted,
}

/// A node of a pool, as the service sees it.
#[derive(Clone)]
pub(crate) struct ComputeNode {
    pub(crate) id: String,
    pub(crate) is_dedicated: bool,
    pub(crate) allocated: OffsetDateTime,
    /// When it last booted.
    pub(crate) booted: Option<OffsetDateTime>,
    pub(crate) phase: Phase<NodeState>,
    /// Its `schedulingState`.
    pub(crate) scheduling_enabled: bool,
    pub(crate) errors: Vec<NodeError>,
    pub(crate) start_task_info: Option<StartTaskInfo>,
    /// Its last start.
    pub(crate) boot: Option<RunHandle>,
    pub(crate) total_run: u32,
    pub(crate) total_succeeded: u32,
    /// The last tasks that started or ended on it, the latest last.
    pub(crate) recent: VecDeque<TaskKey>,
    /// All its task slots, used or free.
    pub(crate) slots: u32,
    /// Its running tasks by number.
    tasks: BTreeMap<u64, Occupant>,
}

/// A task that runs on a node.
#[derive(Clone)]
struct Occupant {
    task: TaskKey,
    slots: u32,
    /// Whether no other task may run beside it.
    is_exclusive: bool,
}

impl ComputeNode {
    /// Returns a new node, which takes no tasks yet.
    pub(crate) fn new(id: String, is_dedicated: bool, slots: u32) -> ComputeNode {
        let phase = Phase::new(NodeState::Creating);
        ComputeNode {
            id,
            is_dedicated,
            allocated: phase.since,
            booted: None,
            phase,
            scheduling_enabled: true,
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

    /// Starts the node and clears its errors.
    pub(crate) fn start(&mut self, boot: RunHandle) {
        self.errors.clear();
        self.start_task_info = None;
        self.boot = Some(boot);
        self.phase.enter(NodeState::Starting);
    }

    /// Records that its machine and its agent run.
    pub(crate) fn mark_booted(&mut self) {
        self.booted = Some(OffsetDateTime::now_utc());
    }

    /// Moves it to a state in which it gets no tasks. Returns a token that is cancelled when a
    /// start in progress has ended.
    pub(super) fn stop(&mut self, state: NodeState) -> Option<CancellationToken> {
        self.phase.enter(state);
        self.boot.take().map(|boot| boot.request_stop(StopReason::Discarded))
    }

    /// Makes it ready for tasks.
    pub(crate) fn mark_ready(&mut self) {
        self.phase.enter(NodeState::Idle);
        self.update_state();
    }

    /// Enables or disables scheduling.
    ///
    /// # Errors
    /// `NodeAlreadyInTargetSchedulingState` if nothing would change.
    pub(crate) fn set_scheduling(&mut self, scheduling_enabled: bool) -> Result<()> {
        if self.scheduling_enabled == scheduling_enabled {
            return Err(
                ApiError::from(Code::NodeAlreadyInTargetSchedulingState).with("NodeId", &*self.id)
            );
        }
        self.scheduling_enabled = scheduling_enabled;
        self.update_state();
        Ok(())
    }

    /// Returns the slots that are free for tasks.
    pub(crate) fn free_slots(&self) -> u32 {
        let is_taken = self.tasks.values().any(|one| one.is_exclusive);
        if self.is_ready() && self.scheduling_enabled && !is_taken {
            self.slots.saturating_sub(self.running_slots())
        } else {
            0
        }
    }

    /// Returns the slots of its running tasks.
    pub(crate) fn running_slots(&self) -> u32 {
        self.tasks.values().map(|one| one.slots).sum()
    }

    /// Returns its running tasks.
    pub(crate) fn running(&self) -> impl ExactSizeIterator<Item = &TaskKey> {
        self.tasks.values().map(|one| &one.task)
    }

    /// Adds a running task, which takes slots, or the whole node.
    pub(crate) fn start_task(&mut self, task: TaskKey, slots: u32, is_exclusive: bool) {
        self.add_recent(&task);
        self.tasks.insert(task.number, Occupant { task, slots, is_exclusive });
        self.update_state();
    }

    /// Removes a task, which has this result if it is completed, and frees its slots.
    pub(crate) fn end_task(&mut self, task: &TaskKey, result: Option<TaskResult>) {
        self.tasks.remove(&task.number);
        self.add_recent(task);
        self.total_run += u32::from(result.is_some());
        self.total_succeeded += u32::from(result == Some(TaskResult::Success));
        self.update_state();
    }

    /// Returns an error if the node cannot be reached.
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

    fn add_recent(&mut self, task: &TaskKey) {
        self.recent.retain(|known| known.number != task.number);
        self.recent.push_back(task.clone());
        if self.recent.len() > MAX_RECENT_TASKS {
            self.recent.pop_front();
        }
    }

    /// Updates the state of a ready node: running if it has tasks, otherwise idle, or offline if
    /// scheduling is disabled.
    fn update_state(&mut self) {
        let state = match (self.tasks.is_empty(), self.scheduling_enabled) {
            (false, _) => NodeState::Running,
            (true, true) => NodeState::Idle,
            (true, false) => NodeState::Offline,
        };
        if self.is_ready() && self.phase.state != state {
            self.phase.enter(state);
        }
    }
}
