use std::panic::AssertUnwindSafe;
use std::time::Duration;

use azure::batch::Task;
use futures::FutureExt;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::bookmark::{self, Bookmark};
use crate::check::check;
use crate::clean_up::{Ending, Reached};
use crate::collect::collect;
use crate::delivered::Delivered;
use crate::event::{Details, Event, Events, Level, Outcome, Status, Times};
use crate::failure;
use crate::follow::Follower;
use crate::halt::Halt;
use crate::limits::Clock;
use crate::plan::Plan;
use crate::quota::Room;
use crate::resume::{self, Earlier};
use crate::stage_in::stage_in;
use crate::stops::Stops;
use crate::submit::{check_size, create_job, create_task, submit_rest};

/// How long a kill waits for a submission under way, so that it ends the job rather than overtakes it.
const SUBMIT_GRACE: Duration = Duration::from_secs(5);

/// Time for the output files of a task that has used up its own.
const COLLECTING: Duration = Duration::from_secs(600);

/// How long a run whose caller has gone can still be killed. Kestra's timeout interrupts first and kills
/// after that.
const DETACHED_LIFE: Duration = Duration::from_secs(600);

/// Runs the plan to its end. What was made is removed once the outcome is in the caller's books, so that a run whose
/// caller dies before that can be resumed.
///
/// A `kill` terminates the job, at any time. A caller that goes away (the receiver is dropped) leaves the
/// job alone: it may be a worker's shutdown. A kill can still follow for ten minutes.
pub async fn run(plan: Plan, events: Events, kill: CancellationToken) {
    let run = Run::new(plan, events.clone());
    survive(run.live(&kill), &events).await;
    // Nobody may be listening any more.
    let _ = events.send(Event::End).await;
    events.leave();
}

/// Makes an outcome of a panic, so that no caller waits for one that never comes.
async fn survive(life: impl Future<Output = ()>, events: &Events) {
    if AssertUnwindSafe(life).catch_unwind().await.is_err() {
        let _ = events.deliver(crashed()).await;
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

struct Run {
    plan: Plan,
    events: Events,
    reached: Reached,
    /// What the callers of earlier workers have of the log.
    delivered_before: Delivered,
    node_id: Option<String>,
    times: Times,
}

impl Run {
    fn new(plan: Plan, events: Events) -> Self {
        Self {
            plan,
            events,
            reached: Reached::Nothing,
            delivered_before: Delivered::default(),
            node_id: None,
            times: Times::default(),
        }
    }

    async fn live(mut self, kill: &CancellationToken) {
        match self.complete(kill).await {
            Ok(()) => self.ending().clean_up().await,
            Err(halt) => self.halt(halt, kill).await,
        }
    }

    async fn complete(&mut self, kill: &CancellationToken) -> Result<(), Halt> {
        let container = self.plan.staged().map(|staged| staged.container.clone());
        let stops = Stops::new(kill, self.events.clone(), container);
        let clock = Clock::start();
        let earlier = stops.unless(self.begin().boxed()).await?;
        let clock = match earlier {
            Some(earlier) => stops.unless(self.resume(earlier).boxed()).await?,
            None => self.submit(clock, &stops).await?,
        };
        let (task, limit) = stops.unless(self.follow(clock).boxed()).await?;
        self.take_down(&task);
        let deadline = self.collecting_ends(clock);
        stops.unless_late(Some(deadline), self.collect().boxed()).await?;
        let outcome = self.outcome(&task, limit);
        tokio::select! {
            biased;
            () = kill.cancelled() => Err(Halt::Killed),
            delivered = self.events.deliver(outcome) => Ok(delivered?),
        }
    }

    /// Makes sure that nothing is wrong before anything is created, and looks for an earlier worker's job.
    async fn begin(&self) -> Result<Option<Earlier>, Halt> {
        for warning in &self.plan.warnings {
            self.events.note(Level::Warn, warning.clone()).await?;
        }
        check_size(&self.plan)?;
        check(&self.plan, &self.events).await?;
        if self.plan.resume { self.find_earlier().await } else { Ok(None) }
    }

    async fn find_earlier(&self) -> Result<Option<Earlier>, Halt> {
        let found = resume::find(&self.plan).await?;
        if let Err(error) = found.remove_left_behind(&self.plan).await {
            let message = format!("What an earlier worker left could not be removed: {error}");
            self.events.note(Level::Warn, message).await?;
        }
        Ok(found.into_earlier())
    }

    /// Returns the clock of a run that began with the job.
    async fn resume(&mut self, earlier: Earlier) -> Result<Clock, Halt> {
        let Earlier { job_id, names, half_submitted, age } = earlier;
        self.plan.adopt(job_id, names);
        self.reached = Reached::Submitted;
        let Plan { job_id, pool_id, .. } = &self.plan;
        let message = format!("Going on with job '{job_id}' on pool '{pool_id}'");
        self.events.note(Level::Info, message).await?;
        if half_submitted {
            submit_rest(&self.plan).await?;
        }
        self.delivered_before = bookmark::read(&self.plan).await?;
        Ok(Clock::of_age(age))
    }

    /// Returns the clock of a run whose task waits.
    async fn submit(&mut self, clock: Clock, stops: &Stops<'_>) -> Result<Clock, Halt> {
        self.reached = Reached::Staged;
        let end = clock.end(&self.plan);
        let late = format!("{} was reached while the input files were staged", end.in_words());
        stops.unless_late(Some((end.at, late)), self.stage_in().boxed()).await?;
        let clock = clock.staged();
        let mut room = Room::new(clock);
        while let Some(full) = self.try_submit(stops).await? {
            stops.unless(room.wait(&self.plan, &self.events, &full).boxed()).await?;
        }
        let Plan { job_id, pool_id, .. } = &self.plan;
        let message = format!("Job '{job_id}' submitted to pool '{pool_id}'");
        self.events.note(Level::Info, message).await?;
        Ok(clock)
    }

    /// Gives what the service says where the account has no room for another job.
    async fn try_submit(&mut self, stops: &Stops<'_>) -> Result<Option<String>, Halt> {
        let submission = async {
            self.reached = Reached::AskedForJob;
            create_job(&self.plan).await?;
            self.reached = Reached::Submitted;
            create_task(&self.plan).await
        };
        match stops.unless_killed_for(SUBMIT_GRACE, submission.boxed()).await {
            Err(Halt::NoRoom(said)) => Ok(Some(said)),
            other => other.map(|()| None),
        }
    }

    async fn stage_in(&mut self) -> Result<(), Halt> {
        let Some(staged) = self.plan.staged() else { return Ok(()) };
        let start = Instant::now();
        let (files, bytes) = stage_in(&self.plan, staged, &self.events).await?;
        let place = staged.container.name();
        let message =
            format!("Staged {files} input file(s), {bytes} bytes, in container '{place}'");
        self.times.stage_millis = Some(millis(start.elapsed()));
        self.events.note(Level::Info, message).await?;
        let message = format!("The blobs of this run begin with '{}'", staged.names.all());
        self.events.note(Level::Debug, message).await?;
        Ok(())
    }

    /// Gives the completed task, and the limit for which it was ended, in words.
    async fn follow(&self, clock: Clock) -> Result<(Task, Option<String>), Halt> {
        let mut follower = Follower::new(&self.plan, &self.events, clock, self.delivered_before);
        let task = follower.follow().await?;
        Ok((task, follower.limit_reached().map(str::to_owned)))
    }

    fn take_down(&mut self, task: &Task) {
        self.node_id = task.node_info.as_ref().and_then(|node| node.node_id.clone());
        let Some(info) = &task.execution_info else { return };
        let between =
            |from: Option<_>, to: Option<_>| Duration::try_from(to? - from?).ok().map(millis);
        self.times.queue_millis = between(task.creation_time, info.start_time);
        self.times.run_millis = between(info.start_time, info.end_time);
    }

    /// By when the files have to be back, and what is said if they are not.
    fn collecting_ends(&self, clock: Clock) -> (Instant, String) {
        let end = clock.end(&self.plan);
        let text =
            format!("{} was reached while the output files were brought back", end.in_words());
        (end.at.max(Instant::now() + COLLECTING), text)
    }

    async fn collect(&mut self) -> Result<(), Halt> {
        let Some(staged) = self.plan.staged() else { return Ok(()) };
        if staged.wanted.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let files = collect(&self.plan, staged, &self.events).await?;
        self.times.collect_millis = Some(millis(start.elapsed()));
        self.events.note(Level::Info, format!("Collected {files} output file(s)")).await?;
        Ok(())
    }

    fn outcome(&self, task: &Task, limit: Option<String>) -> Outcome {
        let info = task.execution_info.as_ref();
        let exit_code = info.and_then(|info| info.exit_code);
        let failure = info.and_then(|info| info.failure_info.as_ref());
        let message = match (limit, exit_code, failure) {
            (Some(limit), ..) => Some(limit),
            (_, Some(code), _) if code != 0 => Some(format!("The task exited with code {code}")),
            (_, _, Some(failure)) => Some(failure::in_words(failure, &self.plan.image)),
            (_, None, None) => Some("The task ended without an exit code".to_owned()),
            (_, Some(_), None) => None,
        };
        let status = if message.is_none() { Status::Succeeded } else { Status::Failed };
        Outcome { status, exit_code, message, details: self.details() }
    }

    /// Ends what was begun, and says how it came to that. A job whose caller has gone is left alone, for another
    /// worker or for a kill that may follow; staged files without a job are of use to nobody.
    async fn halt(&mut self, halt: Halt, kill: &CancellationToken) {
        match halt {
            Halt::Taken(_) => self.reached = Reached::Staged,
            Halt::HandedOver(_) => self.reached = Reached::Nothing,
            _ => self.reached = self.ending().established().await,
        }
        if matches!(halt, Halt::Detached) && self.submitted() {
            Bookmark::new(&self.plan, &self.events, self.delivered_before).last_words().await;
            self.events.leave();
            if timeout(DETACHED_LIFE, kill.cancelled()).await.is_err() {
                return;
            }
        }
        self.ending().terminate().await;
        if let Some(outcome) = halt.into_outcome(self.details()) {
            let _ = self.events.deliver(outcome).await;
        }
    }

    fn ending(&self) -> Ending<'_> {
        Ending { plan: &self.plan, events: &self.events, reached: self.reached }
    }

    fn submitted(&self) -> bool {
        self.reached == Reached::Submitted
    }

    fn details(&self) -> Option<Details> {
        self.submitted().then(|| Details {
            job_id: self.plan.job_id.clone(),
            task_id: self.plan.task_id().to_owned(),
            pool_id: self.plan.pool_id.clone(),
            node_id: self.node_id.clone(),
            times: self.times.clone(),
        })
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::channel;

    #[tokio::test]
    async fn a_panic_becomes_an_outcome_that_does_not_quote_it() {
        let (events, mut pull) = channel();
        let run = tokio::spawn(async move {
            survive(async { panic!("canary") }, &events).await;
        });
        let Some(Event::Outcome(outcome)) = pull.next().await.pop() else { panic!("no outcome") };
        assert_eq!(outcome.status, Status::Failed);
        assert!(!outcome.message.is_some_and(|message| message.contains("canary")));
        drop(pull);
        run.await.unwrap();
    }
}
