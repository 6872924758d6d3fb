//! Follows a task: its state, and both of its output streams as they grow.

use std::time::Duration;

use azure::batch::{Task, TaskState};
use futures::future::try_join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::account::{LIST_AGE, Of, Share};
use crate::error::RunError;
use crate::event::{Level, Stream};
use crate::failure;
use crate::limits::{Clock, Deadline};
use crate::output_stream::{OutputStream, Source};
use crate::pace::{Pace, Phase};
use crate::plan::Plan;
use crate::position::{LogPosition, TaskRun};
use crate::state::StateBlob;
use crate::waiting;

/// How long an ended task may take to be `completed`, uploads included.
const LONGEST_END: Duration = Duration::from_secs(120);

/// One task under observation.
pub(crate) struct Follower<'a> {
    task: Source<'a>,
    clock: Clock,
    logs: [OutputStream; 2],
    state: &'a mut StateBlob,
    /// As last seen.
    task_state: Option<TaskState>,
    run: TaskRun,
    /// When the task was first seen to run, this time or an earlier one.
    ran_since: Option<Instant>,
    pace: Pace,
    share: Share,
    /// When the list of active jobs no longer does for a look at the task.
    own_look: Instant,
    waits: watch::Sender<bool>,
    /// When the task was ended because a limit was reached, and which.
    ended_for: Option<(Instant, String)>,
}

/// A completed task whose lines are all delivered.
pub(crate) struct Followed {
    pub(crate) task: Task,
    /// The limit for which it was ended, in words.
    pub(crate) limit: Option<String>,
}

impl<'a> Follower<'a> {
    /// Begins where the log was delivered to, as the state says.
    pub(crate) fn new(task: Source<'a>, clock: Clock, state: &'a mut StateBlob) -> Self {
        let delivered = state.state().delivered;
        let mut share = Share::new(&task.plan.shared, Of::Looks);
        share.weigh(1);
        Self {
            task,
            clock,
            logs: streams(delivered, task.plan),
            state,
            task_state: None,
            run: delivered.run,
            ran_since: None,
            pace: Pace::new(task.plan.check_interval),
            share,
            own_look: Instant::now(),
            waits: watch::Sender::new(false),
            ended_for: None,
        }
    }

    /// Follows the task until it is completed and all its lines are delivered.
    pub(crate) async fn follow(mut self) -> Result<Followed, RunError> {
        let explain = waiting::explain(self.task.plan, self.task.events, self.waits.subscribe());
        let task = tokio::select! {
            task = self.until_completed() => task?,
            detached = explain => return Err(detached.into()),
        };
        Ok(Followed { task, limit: self.ended_for.map(|(_, limit)| limit) })
    }

    async fn until_completed(&mut self) -> Result<Task, RunError> {
        loop {
            // First of all, since no service runs a task as soon as it is created.
            let next = self.next_look();
            self.read_logs(next).await?;
            if let Some(task) = self.look().await? {
                if task.state == TaskState::Completed {
                    self.finish_logs(&task).await?;
                    self.announce(&task).await?;
                    return Ok(task);
                }
                self.announce(&task).await?;
            }
            self.enforce_limits().await?;
        }
    }

    /// Looks at the task, or only whether its job is active where there are too many to look at each. None: it is.
    async fn look(&mut self) -> Result<Option<Task>, RunError> {
        let Source { plan, names, .. } = self.task;
        let job = names.job_id();
        if !self.needs_own_look() && plan.shared.lists_as_active(&plan.batch, &job).await {
            return Ok(None);
        }
        let task = plan.batch.get_task(&job, &names.task_id()).await;
        let task = task.map_err(RunError::gone)?;
        self.own_look = Instant::now() + self.share.pause();
        self.note_run(&task).await?;
        if task.state == TaskState::Running && self.ran_since.is_none() {
            self.ran_since = Some(Instant::now());
            self.logs.iter_mut().for_each(OutputStream::begin);
        }
        self.waits.send_if_modified(|waits| {
            std::mem::replace(waits, task.state == TaskState::Active) != *waits
        });
        Ok(Some(task))
    }

    fn needs_own_look(&self) -> bool {
        let is_due = Instant::now() >= self.own_look || self.share.pause() <= LIST_AGE;
        is_due || self.ended_for.is_some() || self.logs.iter().any(OutputStream::is_in_doubt)
    }

    async fn announce(&mut self, task: &Task) -> Result<(), RunError> {
        if self.task_state.as_ref() != Some(&task.state) {
            let step = format!("task.{}", task.state.as_str());
            self.task.events.progress(&step, describe(task)).await?;
            self.task_state = Some(task.state.clone());
        }
        Ok(())
    }

    /// Delivers what waits for a look, if the task is still in the run that it was in before.
    async fn note_run(&mut self, task: &Task) -> Result<(), RunError> {
        let run = TaskRun::of(task);
        if run.follows(self.run) {
            self.begin_again(task).await?;
        }
        for log in &mut self.logs {
            log.confirm(self.task.events).await?;
        }
        self.run = run.or(self.run);
        self.logs.iter_mut().for_each(|log| log.set_run(self.run));
        Ok(())
    }

    /// A task that Batch starts anew, on this node or another, writes its logs from the beginning.
    async fn begin_again(&mut self, task: &Task) -> Result<(), RunError> {
        let may_have_written = matches!(task.state, TaskState::Running | TaskState::Completed);
        for log in &mut self.logs {
            log.end_run(&self.task, may_have_written).await?;
        }
        self.logs = streams(LogPosition::default(), self.task.plan);
        let message = "Batch runs the task again, from its beginning; so does the log";
        self.task.events.note(Level::Warn, message.to_owned()).await.map_err(RunError::from)
    }

    /// Batch counts a task's time from its start; ours includes the time in the queue.
    async fn enforce_limits(&mut self) -> Result<(), RunError> {
        match (&self.ended_for, self.reached_limit()) {
            (Some((when, _)), _) if when.elapsed() > LONGEST_END => {
                let job = self.task.names.job_id();
                Err(RunError::Failed(format!(
                    "Job '{job}' was ended at its limit but did not complete in {LONGEST_END:?}"
                )))
            }
            (None, Some(limit)) => self.end_task(limit).await,
            _ => Ok(()),
        }
    }

    async fn end_task(&mut self, mut limit: String) -> Result<(), RunError> {
        let Source { plan, names, events } = self.task;
        plan.batch.terminate_task(&names.job_id(), &names.task_id()).await?;
        if self.ran_since.is_none() {
            limit += " before a node took the task: ";
            limit += &waiting::reason(plan).await;
        }
        events.note(Level::Warn, format!("{limit}; the task is ended")).await?;
        self.ended_for = Some((Instant::now(), limit));
        Ok(())
    }

    fn reached_limit(&self) -> Option<String> {
        let first = self.deadlines().min().filter(|first| Instant::now() >= first.at)?;
        Some(format!("{} was reached", first.in_words()))
    }

    /// The limits that hold now.
    fn deadlines(&self) -> impl Iterator<Item = Deadline> {
        self.clock.deadlines(self.task.plan, self.ran_since.is_some())
    }

    fn next_look(&mut self) -> Instant {
        let phase = match (&self.ended_for, self.ran_since) {
            (Some(_), _) => Phase::Ends,
            (None, Some(since)) if self.task_state == Some(TaskState::Running) => {
                Phase::Runs(since.elapsed())
            }
            _ => Phase::Waits(self.clock.elapsed()),
        };
        let share = self.share.pause().min(LIST_AGE);
        let next = Instant::now() + self.pace.next(phase).max(share);
        let limits = self.deadlines().map(|deadline| deadline.at);
        if self.ended_for.is_some() { next } else { limits.fold(next, Instant::min) }
    }

    /// Delivers log lines until it is time to look at the state again, or until a look has to say of which run of the task
    /// they are.
    async fn read_logs(&mut self, until: Instant) -> Result<(), RunError> {
        if !self.task.plan.stream_logs || self.task_state != Some(TaskState::Running) {
            sleep_until(until).await;
            return Ok(());
        }
        loop {
            let [stdout, stderr] = &self.logs;
            let pause = sleep_until(until.min(stdout.due()).min(stderr.due()));
            tokio::join!(pause, self.state.record_settled(self.task.events.delivered()));
            if Instant::now() >= until || self.pull_logs().await? {
                return Ok(());
            }
        }
    }

    /// Reads the streams that are due. Returns whether that asks for a look.
    async fn pull_logs(&mut self) -> Result<bool, RunError> {
        for log in &mut self.logs {
            if log.due() <= Instant::now() {
                log.pull(&self.task).await?;
            }
        }
        Ok(self.logs.iter().any(OutputStream::is_in_doubt))
    }

    async fn finish_logs(&mut self, ended: &Task) -> Result<(), RunError> {
        let Self { task, logs, .. } = self;
        // Where an upload failed, what is there may be of an earlier run of the task.
        let is_uploaded = !failure::has_failure_info(ended.execution_info.as_ref());
        try_join_all(logs.iter_mut().map(|log| log.finish(task, is_uploaded))).await.map(drop)
    }
}

/// Both streams of a run of which so much was delivered.
fn streams(delivered: LogPosition, plan: &Plan) -> [OutputStream; 2] {
    let LogPosition { run, stdout, stderr } = delivered;
    [(Stream::Stdout, stdout), (Stream::Stderr, stderr)].map(|(stream, known)| {
        OutputStream::new(stream, run, known, Share::new(&plan.shared, Of::Reads))
    })
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
