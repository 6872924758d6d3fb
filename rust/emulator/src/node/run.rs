//! One run of a task: downloads, the command, uploads.

use std::future::pending;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::container::Container;
use super::output_files::EndedTask;
use super::process::{Marker, ProcessTree};
use super::{Node, Work, command_line, container, output_files, resource_files, sandbox};
use crate::settings::{EndedExitCode, Isolation};
use crate::store::task::{ContainerInfo, End, FailureInfo, RunHandle, StopReason, TaskResult};
use crate::wire::duration;
use crate::wire::pool::StartTask;
use crate::wire::task::ResourceFile;

/// The most bytes of a sandbox error that are read. It may contain an argument of the command.
const SANDBOX_ERROR: u64 = 262_144;

/// The exit code of a command that the node killed, as docker reports it.
const KILLED_IN_CONTAINER: i32 = 137;
/// The same without a container.
const KILLED: i32 = -9;

/// What may stop a run: a request, or its wall-clock limit.
struct Interruption {
    stop: watch::Receiver<Option<StopReason>>,
    deadline: Option<Instant>,
}

impl Node {
    /// Runs a task to its end and uploads its output files.
    pub(crate) async fn run(&self, work: &Work, run: &RunHandle) -> End {
        let stop = run.stop.subscribe();
        let mut interruption = Interruption { stop, deadline: deadline(work) };
        let container = match prepare(self, work) {
            Ok(container) => container,
            Err(failure) => return End::without_exit_code(failure),
        };
        let end = match self.execute(work, &container, run, &mut interruption).await {
            Ok(end) => end,
            Err(failure) => return End::without_exit_code(failure),
        };
        tokio::select! {
            uploaded = self.upload(work, &container, &end) => with_upload(end.clone(), uploaded),
            () = interruption.abandoned() => end,
        }
    }

    /// Runs a start task to its end.
    pub(crate) async fn run_start_task(&self, task: &StartTask, run: &RunHandle) -> End {
        let work = Work {
            job_id: None,
            task: task.as_task(),
            common_environment: Vec::new(),
            directory: self.startup_directory(),
            is_retry: false,
            preparation: None,
            token: None,
        };
        self.run(&work, run).await
    }

    /// Runs the command to its end.
    ///
    /// # Errors
    /// Why the command did not start; then nothing is uploaded.
    async fn execute(
        &self,
        work: &Work,
        container: &Container,
        run: &RunHandle,
        interruption: &mut Interruption,
    ) -> Result<End, FailureInfo> {
        let files = work.task.resource_files.as_deref().filter(|_| !work.is_retry);
        let files = files.unwrap_or_default();
        let fetched = tokio::select! {
            fetched = self.fetch(work, files) => fetched,
            reason = interruption.reason() => Err(reason),
        };
        fetched?;
        let mut process = self.start(work, container, run)?;
        let exit = tokio::select! {
            exit = process.wait() => exit.map_err(|error| launch_failure(&error)),
            reason = interruption.reason() => {
                process.end().await;
                return Ok(self.killed(work, reason));
            }
        };
        self.ended(work, exit)
    }

    /// Returns the end of a task whose command was killed because the task was ended.
    fn killed(&self, work: &Work, reason: FailureInfo) -> End {
        let code = if work.in_container_pool(self) { KILLED_IN_CONTAINER } else { KILLED };
        let is_shown = self.context.ended_exit_code == EndedExitCode::Present;
        End { exit_code: is_shown.then_some(code), ..End::without_exit_code(reason) }
    }

    async fn fetch(&self, work: &Work, files: &[ResourceFile]) -> Result<(), FailureInfo> {
        let working = work.directory.working().map_err(|error| unusable_directory(&error))?;
        resource_files::fetch(&self.context, self.access(), files, &working).await
    }

    /// Starts the task's command with its output in the task's directory.
    fn start(
        &self,
        work: &Work,
        container: &Container,
        run: &RunHandle,
    ) -> Result<ProcessTree, FailureInfo> {
        let arguments = command_line::split(&work.task.command_line, self.context.command_line)
            .map_err(|reason| command_failure("CommandLaunchFailed", &reason))?;
        let arguments = [container.entry_point.clone(), arguments].concat();
        let (command, marker) = self
            .command(work, container, &arguments)
            .ok_or_else(|| command_failure("CommandLaunchFailed", "there is no command to run"))?;
        let streams =
            || Ok((work.directory.stream("stdout.txt")?, work.directory.stream("stderr.txt")?));
        let streams = streams().map_err(|error: io::Error| launch_failure(&error))?;
        self.processes
            .spawn(command, streams, marker, run.usage.clone())
            .map_err(|error| launch_failure(&error))
    }

    fn command(
        &self,
        work: &Work,
        container: &Container,
        arguments: &[String],
    ) -> Option<(Command, Marker)> {
        if arguments.is_empty() {
            return None;
        }
        match self.context.isolation {
            Isolation::Bubblewrap => {
                Some((sandbox::sandboxed(container, arguments)?, Marker::Namespace))
            }
            Isolation::None => {
                let marker = Marker::TaskDirectory(work.directory.inside());
                Some((sandbox::plain(container, arguments)?, marker))
            }
        }
    }

    fn ended(&self, work: &Work, exit: Result<i32, FailureInfo>) -> Result<End, FailureInfo> {
        let code = exit?;
        match self.sandbox_failure(work, code) {
            // The sandbox's own message is not the task's.
            Some(failure) => {
                work.directory.stream("stderr.txt").map_err(|error| launch_failure(&error))?;
                Err(failure)
            }
            None => Ok(exited(code, work.in_container_pool(self))),
        }
    }

    /// Returns the failure of the sandbox to start the command. Bubblewrap reports it only as a
    /// single line on the task's stderr, with exit code 1.
    fn sandbox_failure(&self, work: &Work, code: i32) -> Option<FailureInfo> {
        if self.context.isolation != Isolation::Bubblewrap || code != 1 {
            return None;
        }
        let (file, _) = work.directory.tree().ok()?.read(Path::new("stderr.txt")).ok()?;
        let mut stderr = String::new();
        file.take(SANDBOX_ERROR).read_to_string(&mut stderr).ok()?;
        let line = stderr.strip_suffix('\n').filter(|line| !line.contains('\n'))?;
        let reason = line.strip_prefix("bwrap: ")?;
        match reason.strip_prefix("execvp ") {
            Some(reason) if reason.contains("No such file") => {
                Some(command_failure("CommandProgramNotFound", reason))
            }
            other => Some(command_failure("CommandLaunchFailed", other.unwrap_or(reason))),
        }
    }

    async fn upload(
        &self,
        work: &Work,
        container: &Container,
        end: &End,
    ) -> Result<(), FailureInfo> {
        let outputs = work.task.output_files.as_deref().unwrap_or_default();
        let ended = EndedTask {
            directory: &work.directory,
            environment: &container.environment,
            succeeded: end.result == TaskResult::Success,
        };
        output_files::upload(&self.context, self.access(), outputs, &ended).await
    }
}

impl Work {
    /// Returns whether it runs in a container. A start task may do without one in any pool.
    pub(super) fn in_container_pool(&self, node: &Node) -> bool {
        node.containers && (self.job_id.is_some() || self.task.container_settings.is_some())
    }
}

fn prepare(node: &Node, work: &Work) -> Result<Container, FailureInfo> {
    if !work.is_retry {
        work.directory.create().map_err(|error| unusable_directory(&error))?;
    }
    container::prepare(node, work)
}

fn unusable_directory(error: &io::Error) -> FailureInfo {
    FailureInfo::server("ResourceDirectoryCreateFailed", "The task's directory is not usable")
        .with("Reason", error.to_string())
}

fn deadline(work: &Work) -> Option<Instant> {
    let limit = work.task.constraints.as_ref()?.max_wall_clock_time.as_deref()?;
    Instant::now().checked_add(duration::parse(limit).unwrap_or(Duration::MAX))
}

impl Interruption {
    /// Waits until the run is to be stopped, and returns the reason as a failure.
    async fn reason(&mut self) -> FailureInfo {
        let deadline = self.deadline;
        let limit = async move {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = stop_requested(&mut self.stop, |_| true) => {
                FailureInfo::ended_by_request()
            }
            () = limit => FailureInfo::ended_by_limit(),
        }
    }

    /// Waits until the run is abandoned.
    async fn abandoned(&mut self) {
        stop_requested(&mut self.stop, StopReason::is_abandonment).await;
    }
}

async fn stop_requested(
    stop: &mut watch::Receiver<Option<StopReason>>,
    wanted: impl Fn(StopReason) -> bool,
) {
    if stop.wait_for(|reason| reason.is_some_and(&wanted)).await.is_err() {
        pending().await
    }
}

fn exited(code: i32, in_container: bool) -> End {
    let failure = (code != 0).then(|| {
        FailureInfo::user(
            "FailureExitCode",
            "The task exited with an exit code representing a failure",
        )
        .with("Message", "The task exited with an exit code representing a failure")
    });
    End {
        exit_code: Some(code),
        container_info: in_container.then(|| ContainerInfo {
            container_id: uuid::Uuid::new_v4().simple().to_string(),
            state: "exited",
        }),
        result: if failure.is_some() { TaskResult::Failure } else { TaskResult::Success },
        failure_info: failure,
    }
}

/// A failed upload makes the task fail but keeps its exit code; an earlier failure stays.
fn with_upload(end: End, uploaded: Result<(), FailureInfo>) -> End {
    match uploaded {
        Ok(()) => end,
        Err(failure) => End {
            result: TaskResult::Failure,
            failure_info: end.failure_info.clone().or(Some(failure)),
            ..end
        },
    }
}

fn launch_failure(error: &io::Error) -> FailureInfo {
    let code = match error.kind() {
        io::ErrorKind::NotFound => "CommandProgramNotFound",
        _ => "CommandLaunchFailed",
    };
    command_failure(code, &error.to_string())
}

fn command_failure(code: &'static str, reason: &str) -> FailureInfo {
    let message = match code {
        "CommandProgramNotFound" => "The specified command program is not found",
        _ => "The task's command could not be started",
    };
    FailureInfo::user(code, message).with("Message", reason)
}
