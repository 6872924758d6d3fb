//! Tasks.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::reaction::Reaction;
use super::stamp::{Phase, Stamp};
use crate::wire::task::TaskAdd;

/// The states of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaskState {
    Active,
    Preparing,
    Running,
    Completed,
}

/// A task of a job.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) spec: TaskAdd,
    pub(crate) number: u64,
    pub(crate) created: OffsetDateTime,
    pub(crate) stamp: Stamp,
    pub(crate) phase: Phase<TaskState>,
    /// How often a non-zero exit is tried again; -1 without limit.
    pub(crate) max_retries: i32,
    pub(crate) execution: Execution,
    /// Where the task ran last; none before it ran.
    pub(crate) placement: Option<Placement>,
    /// The run that goes on now.
    pub(crate) run: Option<RunHandle>,
    /// Waits for the end of its retention time, no longer than the task is there.
    pub(crate) cleaning: Option<Arc<AbortOnDropHandle<()>>>,
    /// Whether its retention time is over and its directory gone.
    pub(crate) cleaned_up: bool,
}

/// The node and the directory of a task.
#[derive(Clone)]
pub(crate) struct Placement {
    pub(crate) pool_id: String,
    pub(crate) node_id: String,
    /// Relative to the node's root, as the service shows it.
    pub(crate) task_root_directory: String,
    /// On this machine.
    pub(crate) directory: PathBuf,
}

/// What happened to a task so far.
#[derive(Clone, Default)]
pub(crate) struct Execution {
    pub(crate) retries: u32,
    pub(crate) requeues: u32,
    pub(crate) started: Option<OffsetDateTime>,
    pub(crate) ended: Option<OffsetDateTime>,
    pub(crate) last_retry: Option<OffsetDateTime>,
    pub(crate) last_requeue: Option<OffsetDateTime>,
    pub(crate) end: Option<End>,
}

/// How a task ended, named as in `executionInfo`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct End {
    /// Absent where the command did not run to an end of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) container_info: Option<ContainerInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure_info: Option<FailureInfo>,
    pub(crate) result: TaskResult,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaskResult {
    Success,
    Failure,
}

/// The container of a task.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerInfo {
    pub(crate) container_id: String,
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FailureInfo {
    pub(crate) category: Category,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<Detail>,
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Category {
    UserError,
    ServerError,
}

/// A name and a value that explain a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Detail {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

impl FailureInfo {
    /// A failure that whoever wrote the task can mend.
    pub(crate) fn user(code: &'static str, message: impl Into<String>) -> FailureInfo {
        let message = message.into();
        FailureInfo { category: Category::UserError, code, message, details: Vec::new() }
    }

    /// A failure of the node or the network.
    pub(crate) fn server(code: &'static str, message: impl Into<String>) -> FailureInfo {
        FailureInfo { category: Category::ServerError, ..FailureInfo::user(code, message) }
    }

    /// The same failure with one more detail.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> FailureInfo {
        self.details.push(Detail { name, value: value.into() });
        self
    }
}

impl End {
    /// The end of a task whose command was never started because it was asked to end.
    pub(crate) fn stopped_before_it_ran() -> End {
        let message = "The task was ended by user request before it ran";
        End::without_exit_code(FailureInfo::user("TaskEnded", message))
    }

    /// Whether the run was ended from outside, before it came to an end of its own.
    pub(crate) fn was_stopped(&self) -> bool {
        self.exit_code.is_none()
            && self.failure_info.as_ref().is_some_and(|failure| failure.code == "TaskEnded")
    }

    /// The end of a task whose command never gave an exit code.
    pub(crate) fn without_exit_code(failure: FailureInfo) -> End {
        End {
            exit_code: None,
            container_info: None,
            failure_info: Some(failure),
            result: TaskResult::Failure,
        }
    }
}

/// Why a run is ended from outside; a later one of these wins over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopReason {
    /// The node is gone; the task is active again.
    NodeLost,
    /// A request that makes the task active again.
    Requeue,
    /// Terminate Task, or the end of its job.
    UserRequest,
    /// Nobody will ask for the task again: it is deleted, or the emulator ends.
    Discarded,
}

/// How to end a run and how to learn of its end.
#[derive(Clone)]
pub(crate) struct RunHandle {
    pub(crate) stop: watch::Sender<Option<StopReason>>,
    /// Cancelled once the end of the run is in the store.
    pub(crate) over: CancellationToken,
}

impl StopReason {
    /// Whether nobody waits for what the run would still do.
    pub(crate) fn is_abandonment(self) -> bool {
        self != StopReason::UserRequest
    }
}

impl RunHandle {
    pub(crate) fn new() -> RunHandle {
        RunHandle { stop: watch::Sender::new(None), over: CancellationToken::new() }
    }

    /// Asks the run to end; the token tells when it has.
    pub(crate) fn ask(&self, reason: StopReason) -> CancellationToken {
        self.stop.send_if_modified(|asked| {
            let stronger = *asked < Some(reason);
            if stronger {
                *asked = Some(reason);
            }
            stronger
        });
        self.over.clone()
    }

    /// Waits until it is asked to end.
    pub(crate) async fn asked(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as this handle, so the wait cannot fail.
        stop.wait_for(Option::is_some).await.ok();
    }

    /// Waits until nobody waits for the run.
    pub(crate) async fn abandoned(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as this handle, so the wait cannot fail.
        stop.wait_for(|reason| reason.is_some_and(StopReason::is_abandonment)).await.ok();
    }
}

impl Task {
    /// A task as it is right after its creation.
    pub(crate) fn new(spec: TaskAdd, number: u64, max_retries: i32) -> Task {
        let phase = Phase::new(TaskState::Active);
        Task {
            spec,
            number,
            created: phase.since,
            stamp: Stamp::new(),
            phase,
            max_retries,
            execution: Execution::default(),
            placement: None,
            run: None,
            cleaning: None,
            cleaned_up: false,
        }
    }

    /// Enters a state, which is a new version of the task.
    pub(crate) fn enter(&mut self, state: TaskState) {
        self.phase.enter(state);
        self.stamp = Stamp::new();
    }

    /// Completes the task with this end.
    pub(crate) fn complete(&mut self, end: End) {
        self.execution.end = Some(end);
        self.enter(TaskState::Completed);
        self.execution.ended = Some(self.phase.since);
    }

    /// Makes the task active again after a run that failed.
    pub(crate) fn retry(&mut self) {
        self.execution.retries += 1;
        self.enter(TaskState::Active);
        self.execution.last_retry = Some(self.phase.since);
    }

    /// Makes the task active again as if it had never run, after a run that was cut short.
    pub(crate) fn requeue(&mut self, counts: bool) {
        self.placement = None;
        self.execution.started = None;
        self.enter(TaskState::Active);
        if counts {
            self.execution.requeues += 1;
            self.execution.last_requeue = Some(self.phase.since);
        }
    }

    /// How it ended, if it has.
    pub(crate) fn result(&self) -> Option<TaskResult> {
        self.execution.end.as_ref().map(|end| end.result)
    }

    /// Makes a completed task active, without anything of its last run.
    pub(crate) fn reactivate(&mut self) {
        let Execution { requeues, last_requeue, .. } = self.execution;
        self.execution = Execution { requeues, last_requeue, ..Execution::default() };
        self.enter(TaskState::Active);
    }

    /// The slots of a node that the task takes.
    pub(crate) fn slots(&self) -> u32 {
        self.spec.required_slots.and_then(|slots| u32::try_from(slots).ok()).unwrap_or(1)
    }

    /// What follows from the end of the task, if it has ended.
    pub(crate) fn reaction(&self) -> Option<Reaction> {
        let end = self.execution.end.as_ref()?;
        Some(Reaction::to(end, self.spec.exit_conditions.as_ref()))
    }

    /// Whether a non-zero exit is tried once more.
    pub(crate) fn may_retry(&self) -> bool {
        self.max_retries == -1 || i64::from(self.execution.retries) < i64::from(self.max_retries)
    }
}
