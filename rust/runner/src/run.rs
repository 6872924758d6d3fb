use std::panic::AssertUnwindSafe;
use std::time::Duration;

use azure::batch::Task;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::check::check;
use crate::clean_up::{self, Uploads};
use crate::collect::collect;
use crate::event::{Details, Event, Events, Level, Outcome, Status};
use crate::failure;
use crate::follow::Follower;
use crate::halt::Halt;
use crate::plan::Plan;
use crate::stage_in::stage_in;
use crate::submit::submit;

/// How long a kill waits for a submission under way, so that it ends the job rather than overtakes it.
const SUBMIT_GRACE: Duration = Duration::from_secs(5);

/// How long a run whose caller has gone can still be killed. Kestra's timeout interrupts first and kills
/// after that.
const DETACHED_LIFE: Duration = Duration::from_secs(600);

/// Runs the plan to its end and sends the outcome as the last event.
///
/// A `kill` terminates the job, at any time. A caller that goes away (the receiver is dropped) leaves the
/// job alone: it may be a worker's shutdown. A kill can still follow for ten minutes.
pub async fn run(plan: Plan, events: Events, kill: CancellationToken) {
    let run = Run { plan, events: events.clone(), reached: Reached::Nothing, node_id: None };
    let outcome = AssertUnwindSafe(run.live(&kill)).catch_unwind().await;
    if let Some(outcome) = outcome.unwrap_or_else(|_| Some(crashed())) {
        // Nobody may be listening any more.
        let _ = events.send(Event::Outcome(outcome)).await;
    }
}

/// The job needs nobody: it ends by itself.
fn crashed() -> Outcome {
    let message = "Internal error of the Azure Batch task runner: it panicked, please report it";
    Outcome {
        status: Status::Failed,
        exit_code: None,
        message: Some(message.to_owned()),
        details: None,
    }
}

/// How far a run came, by the first request that may have created something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Nothing,
    Staged,
    Submitted,
}

struct Run {
    plan: Plan,
    events: Events,
    reached: Reached,
    node_id: Option<String>,
}

impl Run {
    /// Nothing for a run that goes on without its caller.
    async fn live(mut self, kill: &CancellationToken) -> Option<Outcome> {
        match self.complete(kill).await {
            Ok(outcome) => {
                self.clean_up(Uploads::Done).await;
                Some(outcome)
            }
            Err(halt) => self.halt(halt, kill).await,
        }
    }

    async fn complete(&mut self, kill: &CancellationToken) -> Result<Outcome, Halt> {
        unless_stopped(kill, &self.events, self.check().boxed()).await?;
        self.reached = Reached::Staged;
        unless_stopped(kill, &self.events, self.stage_in().boxed()).await?;
        self.reached = Reached::Submitted;
        unless_killed_for(kill, SUBMIT_GRACE, submit(&self.plan).boxed()).await?;
        let (task, timed_out) = unless_stopped(kill, &self.events, self.follow().boxed()).await?;
        self.node_id = task.node_info.as_ref().and_then(|node| node.node_id.clone());
        unless_stopped(kill, &self.events, self.collect().boxed()).await?;
        Ok(self.outcome(&task, timed_out))
    }

    async fn check(&self) -> Result<(), Halt> {
        for warning in &self.plan.warnings {
            self.events.note(Level::Warn, warning.clone()).await?;
        }
        check(&self.plan).await
    }

    async fn stage_in(&self) -> Result<(), Halt> {
        if let Some(staged) = self.plan.staged() {
            let (files, bytes) = stage_in(&self.plan, staged).await?;
            let message = format!("Staged {files} input file(s), {bytes} bytes");
            self.events.note(Level::Info, message).await?;
        }
        Ok(())
    }

    async fn follow(&self) -> Result<(Task, bool), Halt> {
        let Plan { job_id, pool_id, .. } = &self.plan;
        let message = format!("Job '{job_id}' submitted to pool '{pool_id}'");
        self.events.note(Level::Info, message).await?;
        let mut follower = Follower::new(&self.plan, &self.events);
        let task = follower.follow().await?;
        Ok((task, follower.timed_out))
    }

    async fn collect(&self) -> Result<(), Halt> {
        let Some(staged) = self.plan.staged() else {
            return Ok(());
        };
        let files = collect(&self.plan, staged, &self.events).await?;
        if !staged.outputs.is_empty() {
            let message = format!("Collected {files} output file(s)");
            self.events.note(Level::Info, message).await?;
        }
        Ok(())
    }

    fn outcome(&self, task: &Task, timed_out: bool) -> Outcome {
        let info = task.execution_info.as_ref();
        let exit_code = info.and_then(|info| info.exit_code);
        let failure = info.and_then(|info| info.failure_info.as_ref());
        let message = match (timed_out, exit_code, failure) {
            (true, ..) => Some(format!("waitUntilCompletion of {:?} was reached", self.plan.limit)),
            (_, Some(code), _) if code != 0 => Some(format!("The task exited with code {code}")),
            (_, _, Some(failure)) => Some(failure::in_words(failure, &self.plan.image)),
            (_, None, None) => Some("The task ended without an exit code".to_owned()),
            (_, Some(_), None) => None,
        };
        let status = if message.is_none() { Status::Succeeded } else { Status::Failed };
        Outcome { status, exit_code, message, details: self.details() }
    }

    /// Ends what was begun, and says how it came to that. A run without its caller waits for a kill first.
    async fn halt(&self, halt: Halt, kill: &CancellationToken) -> Option<Outcome> {
        if matches!(halt, Halt::Detached) {
            timeout(DETACHED_LIFE, kill.cancelled()).await.ok()?;
        }
        self.terminate().await;
        halt.into_outcome(self.details())
    }

    async fn terminate(&self) {
        let job = &self.plan.job_id;
        if self.submitted()
            && let Err(error) = self.plan.batch.terminate_job(job, "Ended by Kestra").await
        {
            self.left_behind(
                &format!("Job '{job}' could not be terminated, end it by hand"),
                &error,
            );
        }
        self.clean_up(Uploads::Possible).await;
    }

    async fn clean_up(&self, uploads: Uploads) {
        if !self.plan.delete {
            return;
        }
        if self.submitted()
            && let Err(error) = clean_up::remove_job(&self.plan, uploads).await
        {
            self.left_behind("The job could not be deleted", &error);
        }
        if self.reached >= Reached::Staged
            && let Err(error) = clean_up::remove_blobs(&self.plan).await
        {
            self.left_behind("The staged blobs could not be deleted", &error);
        }
    }

    fn submitted(&self) -> bool {
        self.reached == Reached::Submitted
    }

    fn left_behind(&self, what: &str, error: &azure::Error) {
        self.events.note_now(Level::Warn, format!("{what}: {error}"));
    }

    fn details(&self) -> Option<Details> {
        self.submitted().then(|| Details {
            job_id: self.plan.job_id.clone(),
            task_id: self.plan.task_id().to_owned(),
            pool_id: self.plan.pool_id.clone(),
            node_id: self.node_id.clone(),
        })
    }
}

async fn unless_stopped<T>(
    kill: &CancellationToken,
    events: &Events,
    work: BoxFuture<'_, Result<T, Halt>>,
) -> Result<T, Halt> {
    tokio::select! {
        biased;
        () = kill.cancelled() => Err(Halt::Killed),
        () = events.detached() => Err(Halt::Detached),
        done = work => done,
    }
}

async fn unless_killed_for<T>(
    kill: &CancellationToken,
    grace: Duration,
    work: BoxFuture<'_, Result<T, Halt>>,
) -> Result<T, Halt> {
    let killed = async {
        kill.cancelled().await;
        sleep(grace).await;
    };
    tokio::select! {
        done = work => done,
        () = killed => Err(Halt::Killed),
    }
}
