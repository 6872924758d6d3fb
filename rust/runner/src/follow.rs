//! Follows a task: its state, and both of its output streams as they grow.

use std::time::Duration;

use azure::batch::{Task, TaskState};
use tokio::time::{Instant, sleep_until};

use crate::bookmark::Bookmark;
use crate::delivered::{Delivered, TaskRun};
use crate::event::{Events, Level, Stream};
use crate::halt::Halt;
use crate::limits::{Clock, Deadline};
use crate::output_stream::OutputStream;
use crate::plan::Plan;
use crate::waiting::{self, Waiting};

/// The first pause between two looks at the state; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause while a start is to be expected, so that the first lines of a log are not late.
const START_PAUSE: Duration = Duration::from_secs(1);
/// For how long a start is to be expected soon. Tasks that queue longer are looked at less often.
const START_EXPECTED: Duration = Duration::from_secs(120);
/// Pauses between two looks at the logs: while lines arrive, and while the task is silent.
const LOG_PAUSE: Duration = Duration::from_millis(500);
const SILENT_LOG_PAUSE: Duration = Duration::from_secs(1);
/// How long an ended task may take to be `completed`, uploads included.
const END_PATIENCE: Duration = Duration::from_secs(120);

/// One task under observation.
pub(crate) struct Follower<'a> {
    plan: &'a Plan,
    events: &'a Events,
    clock: Clock,
    logs: [OutputStream; 2],
    bookmark: Bookmark<'a>,
    known: Option<TaskState>,
    run: TaskRun,
    /// A node has taken the task, this time or an earlier one.
    has_run: bool,
    waiting: Option<Waiting>,
    /// When the task was ended because a limit was reached, and which.
    ended_for: Option<(Instant, String)>,
}

impl<'a> Follower<'a> {
    /// A task whose log was delivered so far.
    pub(crate) fn new(
        plan: &'a Plan,
        events: &'a Events,
        clock: Clock,
        delivered: Delivered,
    ) -> Self {
        let (logs, run) = (streams(delivered), delivered.run);
        let bookmark = Bookmark::new(plan, events, delivered);
        let (known, waiting, ended_for) = (None, None, None);
        let has_run = false;
        Self { plan, events, clock, logs, bookmark, known, run, has_run, waiting, ended_for }
    }

    /// The limit for which the task was ended, in words.
    pub(crate) fn limit_reached(&self) -> Option<&str> {
        self.ended_for.as_ref().map(|(_, reason)| reason.as_str())
    }

    /// Follows the task until it is completed and all its lines are delivered.
    pub(crate) async fn follow(&mut self) -> Result<Task, Halt> {
        let mut pause = FIRST_PAUSE;
        loop {
            let task = self.look().await?;
            if task.state == TaskState::Completed {
                self.finish_logs().await?;
                self.announce(&task).await?;
                return Ok(task);
            }
            self.announce(&task).await?;
            self.enforce_limits().await?;
            self.explain_waiting().await?;
            self.stream_logs(self.next_look(pause)).await?;
            pause = (pause * 2).min(self.longest_pause());
        }
    }

    async fn look(&mut self) -> Result<Task, Halt> {
        let plan = self.plan;
        let task = plan.batch.get_task(&plan.job_id, plan.task_id()).await.map_err(Halt::gone)?;
        self.note_restart(&task).await?;
        self.has_run |= task.state == TaskState::Running;
        Ok(task)
    }

    async fn announce(&mut self, task: &Task) -> Result<(), Halt> {
        if self.known.as_ref() != Some(&task.state) {
            self.events.note(Level::Info, describe(task)).await?;
            self.known = Some(task.state.clone());
        }
        Ok(())
    }

    /// A task that Batch starts anew, on this node or another, writes its logs from the beginning.
    async fn note_restart(&mut self, task: &Task) -> Result<(), Halt> {
        let run = TaskRun::of(task);
        if run.follows(self.run) {
            self.logs = streams(Delivered::default());
            let message = "Batch runs the task again, from its beginning; so does the log";
            self.events.note(Level::Warn, message.to_owned()).await?;
        }
        self.run = run.or(self.run);
        self.logs.iter_mut().for_each(|log| log.set_run(self.run));
        Ok(())
    }

    /// Batch counts a task's time from its start; ours includes the time in the queue.
    async fn enforce_limits(&mut self) -> Result<(), Halt> {
        let Plan { batch, job_id, .. } = self.plan;
        match (&self.ended_for, self.reached_limit()) {
            (Some((when, _)), _) if when.elapsed() > END_PATIENCE => Err(Halt::Failed(format!(
                "Job '{job_id}' was ended at its limit but did not complete in {END_PATIENCE:?}"
            ))),
            (None, Some(mut reason)) => {
                if !self.has_run {
                    reason += " before a node took the task: ";
                    reason += &waiting::reason(self.plan).await;
                }
                self.events.note(Level::Warn, format!("{reason}; the task is ended")).await?;
                self.ended_for = Some((Instant::now(), reason));
                Ok(batch.terminate_task(job_id, self.plan.task_id()).await?)
            }
            _ => Ok(()),
        }
    }

    fn reached_limit(&self) -> Option<String> {
        let first = self.deadlines().min().filter(|first| Instant::now() >= first.at)?;
        Some(format!("{} was reached", first.in_words()))
    }

    /// What holds now.
    fn deadlines(&self) -> impl Iterator<Item = Deadline> {
        self.clock.deadlines(self.plan, self.has_run)
    }

    async fn explain_waiting(&mut self) -> Result<(), Halt> {
        if self.known != Some(TaskState::Active) {
            self.waiting = None;
            return Ok(());
        }
        self.waiting.get_or_insert_with(Waiting::new).explain(self.plan, self.events).await
    }

    fn next_look(&self, pause: Duration) -> Instant {
        let next = Instant::now() + pause;
        let limits = self.deadlines().map(|deadline| deadline.at);
        if self.ended_for.is_some() { next } else { limits.fold(next, Instant::min) }
    }

    fn longest_pause(&self) -> Duration {
        let running = self.known == Some(TaskState::Running);
        let start_is_near = !running && self.clock.elapsed() < START_EXPECTED;
        if start_is_near || self.ended_for.is_some() {
            self.plan.check_interval.min(START_PAUSE)
        } else {
            self.plan.check_interval
        }
    }

    /// Delivers log lines until it is time to look at the state again.
    async fn stream_logs(&mut self, until: Instant) -> Result<(), Halt> {
        if !self.plan.stream_logs || self.known != Some(TaskState::Running) {
            sleep_until(until).await;
            return Ok(());
        }
        loop {
            let silent = !self.pull_logs().await?;
            let pause = if silent { SILENT_LOG_PAUSE } else { LOG_PAUSE };
            let pause = sleep_until(until.min(Instant::now() + pause));
            tokio::join!(pause, self.bookmark.keep());
            if Instant::now() >= until {
                return Ok(());
            }
        }
    }

    async fn pull_logs(&mut self) -> Result<bool, Halt> {
        let mut grew = false;
        for log in &mut self.logs {
            grew |= log.pull(self.plan, self.events).await?;
        }
        Ok(grew)
    }

    async fn finish_logs(&mut self) -> Result<(), Halt> {
        for log in &mut self.logs {
            log.finish(self.plan, self.events).await?;
        }
        Ok(())
    }
}

/// Both streams of a run of which so much was delivered.
fn streams(delivered: Delivered) -> [OutputStream; 2] {
    let Delivered { run, stdout, stderr } = delivered;
    [(Stream::Stdout, stdout), (Stream::Stderr, stderr)]
        .map(|(stream, known)| OutputStream::new(stream, run, known))
}

fn describe(task: &Task) -> String {
    let mut text = format!("The Batch task is {}", task.state.as_str());
    if let Some(node) = task.node_info.as_ref().and_then(|node| node.node_id.as_deref()) {
        text += &format!(" on node '{node}'");
    }
    if let Some(code) = task.execution_info.as_ref().and_then(|info| info.exit_code) {
        text += &format!(", exit code {code}");
    }
    text
}
