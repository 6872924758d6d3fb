//! Tasks.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::exit_actions::ExitActions;
use super::resource::{Phase, ResourceVersion};
use super::statistics::{Spent, Usage, since};
use crate::wire::task::{JobManagerTask, TaskCreate};

/// The code of a task that was stopped.
const TASK_ENDED: &str = "TaskEnded";

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
    pub(crate) spec: TaskCreate,
    pub(crate) number: u64,
    pub(crate) created: OffsetDateTime,
    pub(crate) version: ResourceVersion,
    pub(crate) phase: Phase<TaskState>,
    /// How often a non-zero exit is retried; -1 without limit.
    pub(crate) max_retries: i32,
    /// What a job manager task has beyond other tasks; `None` for those.
    pub(crate) management: Option<Management>,
    pub(crate) execution: Execution,
    /// Where the task last ran; `None` before its first run.
    pub(crate) placement: Option<Placement>,
    /// The run in progress.
    pub(crate) run: Option<RunHandle>,
    /// What earlier runs used.
    spent: Spent,
    /// Removes the files after the retention time. Aborted when the task is deleted.
    pub(crate) cleanup: Option<Arc<AbortOnDropHandle<()>>>,
    /// Whether its files were removed after the retention time.
    pub(crate) cleaned_up: bool,
}

/// The properties of a job manager task.
#[derive(Clone, Copy)]
pub(crate) struct Management {
    /// Whether the job ends with it.
    pub(crate) kills_job: bool,
    /// Whether no other task runs on its node meanwhile.
    pub(crate) is_exclusive: bool,
    /// Whether it may run on a low-priority node.
    pub(crate) allows_low_priority: bool,
}

/// The node and the directory of a task.
#[derive(Clone, PartialEq)]
pub(crate) struct Placement {
    pub(crate) pool_id: String,
    pub(crate) node_id: String,
    /// Relative to the node's root.
    pub(crate) task_root_directory: String,
    /// On this machine.
    pub(crate) directory: PathBuf,
}

/// The `executionInfo` of a task.
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

/// The end of a task, with the names of `executionInfo`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct End {
    /// Absent if the command did not exit by itself.
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

/// Who caused a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    /// Returns a failure that the author of the task can fix.
    pub(crate) fn user(code: &'static str, message: impl Into<String>) -> FailureInfo {
        let message = message.into();
        FailureInfo { category: Category::UserError, code, message, details: Vec::new() }
    }

    /// Returns the failure of a task that is stopped by a request.
    pub(crate) fn ended_by_request() -> FailureInfo {
        FailureInfo::user(TASK_ENDED, "Task Was Ended by User Request")
    }

    /// Returns the failure of a task whose time limit expired.
    pub(crate) fn ended_by_limit() -> FailureInfo {
        let exceeded = "The maximum execution time configured on the task was exceeded";
        FailureInfo::user(TASK_ENDED, "The task was ended because its time limit expired")
            .with("Message", exceeded)
            .with("AdditionalErrorCode", "FailureExitCode")
    }

    /// Returns a failure of the node or the network.
    pub(crate) fn server(code: &'static str, message: impl Into<String>) -> FailureInfo {
        FailureInfo { category: Category::ServerError, ..FailureInfo::user(code, message) }
    }

    /// Returns the same failure with one more detail.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> FailureInfo {
        self.details.push(Detail { name, value: value.into() });
        self
    }
}

impl End {
    /// Returns the end of a task that was stopped before its command started.
    pub(crate) fn stopped_before_it_ran() -> End {
        End::without_exit_code(FailureInfo::ended_by_request())
    }

    /// Returns whether the run was stopped before its command exited. It may have an exit code.
    pub(crate) fn was_stopped(&self) -> bool {
        self.failure_info.as_ref().is_some_and(|failure| failure.code == TASK_ENDED)
    }

    /// Returns the end of a task without an exit code.
    pub(crate) fn without_exit_code(failure: FailureInfo) -> End {
        End {
            exit_code: None,
            container_info: None,
            failure_info: Some(failure),
            result: TaskResult::Failure,
        }
    }
}

/// Why a run is stopped; a later variant has precedence over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopReason {
    /// The node failed; the task becomes active again.
    NodeLost,
    /// A request that makes the task active again.
    Requeue,
    /// Terminate Task, or the termination of its job.
    UserRequest,
    /// The task is deleted, or the emulator stops.
    Discarded,
}

/// Stops a run and waits for its end.
#[derive(Clone)]
pub(crate) struct RunHandle {
    pub(crate) stop: watch::Sender<Option<StopReason>>,
    /// What its processes have used so far.
    pub(crate) usage: watch::Sender<Usage>,
    /// Cancelled once the end of the run is recorded in the store.
    pub(crate) ended: CancellationToken,
}

impl StopReason {
    /// Returns whether the run is abandoned: its remaining delays and uploads are skipped.
    pub(crate) fn is_abandonment(self) -> bool {
        self != StopReason::UserRequest
    }
}

impl RunHandle {
    pub(crate) fn new() -> RunHandle {
        let (stop, usage) = (watch::Sender::new(None), watch::Sender::default());
        RunHandle { stop, usage, ended: CancellationToken::new() }
    }

    /// Asks the run to stop. Returns a token that is cancelled when it has ended.
    pub(crate) fn request_stop(&self, reason: StopReason) -> CancellationToken {
        self.stop.send_if_modified(|asked| {
            let stronger = *asked < Some(reason);
            if stronger {
                *asked = Some(reason);
            }
            stronger
        });
        self.ended.clone()
    }

    /// Waits until the run is asked to stop.
    pub(crate) async fn stop_requested(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as this handle, so the wait cannot fail.
        stop.wait_for(Option::is_some).await.ok();
    }

    /// Waits until the run is abandoned.
    pub(crate) async fn abandoned(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as this handle, so the wait cannot fail.
        stop.wait_for(|reason| reason.is_some_and(StopReason::is_abandonment)).await.ok();
    }
}

impl Task {
    /// Returns a new task.
    pub(crate) fn new(spec: TaskCreate, number: u64, max_retries: i32) -> Task {
        let phase = Phase::new(TaskState::Active);
        Task {
            spec,
            number,
            created: phase.since,
            version: ResourceVersion::new(),
            phase,
            max_retries,
            management: None,
            execution: Execution::default(),
            placement: None,
            run: None,
            spent: Spent::default(),
            cleanup: None,
            cleaned_up: false,
        }
    }

    /// Returns the task that manages its job.
    pub(crate) fn manager(spec: &JobManagerTask, number: u64, max_retries: i32) -> Task {
        let management = Management {
            kills_job: spec.kill_job_on_completion,
            is_exclusive: spec.run_exclusive,
            allows_low_priority: spec.allow_low_priority_node,
        };
        let management = Some(management);
        Task { management, ..Task::new(spec.as_task(), number, max_retries) }
    }

    /// Returns whether it needs a node for itself.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.management.is_some_and(|own| own.is_exclusive)
    }

    /// Returns whether it may run on a low-priority node.
    pub(crate) fn allows_low_priority(&self) -> bool {
        self.management.is_none_or(|own| own.allows_low_priority)
    }

    /// Returns whether its job ends because it has ended.
    pub(crate) fn ends_job(&self) -> bool {
        self.result().is_some() && self.management.is_some_and(|own| own.kills_job)
    }

    /// Returns what its runs have used, the one in progress included.
    pub(crate) fn spent(&self, now: OffsetDateTime) -> Spent {
        let is_running = self.phase.state == TaskState::Running;
        let mut spent = self.spent;
        if let (Some(run), true) = (&self.run, is_running) {
            let wall_clock = since(self.phase.since, now);
            spent += Spent { usage: *run.usage.borrow(), wall_clock };
        }
        spent
    }

    /// Records what the run used, and forgets it.
    pub(crate) fn end_run(&mut self) {
        self.spent = self.spent(OffsetDateTime::now_utc());
        self.run = None;
    }

    /// Completes the task.
    pub(crate) fn complete(&mut self, end: End) {
        self.execution.end = Some(end);
        self.phase.enter(TaskState::Completed);
        self.execution.ended = Some(self.phase.since);
    }

    /// Makes the task active again after a failed run.
    pub(crate) fn retry(&mut self) {
        self.execution.retries += 1;
        self.phase.enter(TaskState::Active);
        self.execution.last_retry = Some(self.phase.since);
    }

    /// Makes the task active again as if it had never run, after a run that was stopped.
    pub(crate) fn requeue(&mut self, counts: bool) {
        self.placement = None;
        self.execution.started = None;
        self.phase.enter(TaskState::Active);
        if counts {
            self.execution.requeues += 1;
            self.execution.last_requeue = Some(self.phase.since);
        }
    }

    /// Returns its result, if it has ended.
    pub(crate) fn result(&self) -> Option<TaskResult> {
        self.execution.end.as_ref().map(|end| end.result)
    }

    /// Makes a completed task active again and clears its last run.
    pub(crate) fn reactivate(&mut self) {
        let Execution { requeues, last_requeue, .. } = self.execution;
        self.execution = Execution { requeues, last_requeue, ..Execution::default() };
        self.phase.enter(TaskState::Active);
        self.version = ResourceVersion::new();
    }

    /// Returns the slots that the task takes.
    pub(crate) fn slots(&self) -> u32 {
        self.spec.required_slots.and_then(|slots| u32::try_from(slots).ok()).unwrap_or(1)
    }

    /// Returns what follows from the end of the task, if it has ended.
    pub(crate) fn exit_actions(&self) -> Option<ExitActions> {
        let end = self.execution.end.as_ref()?;
        Some(ExitActions::of(end, self.spec.exit_conditions.as_ref()))
    }

    /// Returns whether a non-zero exit is retried.
    pub(crate) fn may_retry(&self) -> bool {
        self.max_retries == -1 || i64::from(self.execution.retries) < i64::from(self.max_retries)
    }
}
