use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::check::{Existing, check};
use crate::clean_up::{Ending, Stage};
use crate::collect::collect;
use crate::details::{Details, Known, millis};
use crate::error::RunError;
use crate::event::{Event, EventSender, Level, Outcome, Status};
use crate::failure;
use crate::follow::{Followed, Follower};
use crate::limits::Clock;
use crate::names::RunNames;
use crate::output_stream::Source;
use crate::plan::Plan;
use crate::quota_wait::QuotaWait;
use crate::resume::{self, Earlier};
use crate::stage_in::{Found, is_staged, look_at_inputs, stage_in, warn_of_inputs};
use crate::state::StateBlob;
use crate::stops::Stops;
use crate::submit::{Submission, create_job, create_task, submit_rest};

/// How long a kill waits for a submission under way, so that it ends the job rather than overtakes it.
const SUBMIT_GRACE: Duration = Duration::from_secs(5);

/// How long staged files are surely this run's own: who wants to take it over waits ten times as long for its job.
const SURELY_OWN: Duration = Duration::from_secs(1);

/// Time for the output files of a task that has used up its own.
const COLLECTING: Duration = Duration::from_secs(600);

/// How long a run whose caller has gone can still be killed. Kestra's timeout interrupts first and kills
/// after that.
const DETACHED_LIFE: Duration = Duration::from_secs(600);

/// Runs the plan to its end. What was made is removed once the caller has acknowledged the outcome, so that a run whose
/// caller dies before that can be resumed.
///
/// A `kill` terminates the job, at any time. A caller that goes away (the receiver is dropped) leaves the
/// job alone: it may be a worker's shutdown. A kill can still follow for ten minutes.
pub async fn run(plan: Plan, events: EventSender, kill: CancellationToken) {
    let run = Run::new(plan, events.clone());
    survive(run.live(&kill), &events).await;
    // Nobody may be listening any more.
    let _ = events.send(Event::End).await;
    events.leave();
}

/// Makes an outcome of a panic, so that no caller waits for one that never comes.
async fn survive(life: impl Future<Output = ()>, events: &EventSender) {
    if AssertUnwindSafe(life).catch_unwind().await.is_err() {
        let _ = events.report(crashed()).await;
    }
}

/// The job is left alone: it ends without a worker.
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
    events: EventSender,
    /// Its own, or those of the earlier run that it goes on with.
    names: RunNames,
    state: StateBlob,
    stage: Stage,
    /// Of the most input files. None where there are none.
    file_mode: Option<u32>,
    known: Known,
}

impl Run {
    fn new(plan: Plan, events: EventSender) -> Self {
        let names = plan.names.clone();
        let state = StateBlob::new(&plan, &names);
        let (stage, known) = (Stage::Nothing, Known::default());
        Self { plan, events, names, state, stage, file_mode: None, known }
    }

    async fn live(mut self, kill: &CancellationToken) {
        let (shared, events) = (Arc::clone(&self.plan.shared), self.events.clone());
        let account = self.plan.account.clone();
        let work = Box::pin(self.complete(kill));
        match shared.explain(&account, &events, work).await {
            Ok(()) => Box::pin(self.ending().clean_up()).await,
            Err(error) => Box::pin(self.stop(error, kill)).await,
        }
    }

    /// Its steps are boxed: within each other they took all of a thread's stack in a build without optimisation.
    async fn complete(&mut self, kill: &CancellationToken) -> Result<(), RunError> {
        let stops = Stops::new(kill, self.events.clone());
        let clock = Clock::start();
        let clock = match stops.unless(Box::pin(self.begin())).await? {
            Some(earlier) => stops.unless(Box::pin(self.resume(earlier))).await?,
            None => Box::pin(self.submit(clock, &stops)).await?,
        };
        let followed = stops.unless(Box::pin(self.follow(clock))).await?;
        self.known.learn(&followed.task);
        stops.unless_late(self.collecting_ends(clock), Box::pin(self.collect())).await?;
        let outcome = self.outcome(&followed);
        tokio::select! {
            biased;
            () = kill.cancelled() => Err(RunError::Killed),
            acknowledged = self.events.report(outcome) => Ok(acknowledged?),
        }
    }

    /// Makes sure that nothing is wrong before anything is created, and looks for an earlier worker's job.
    async fn begin(&mut self) -> Result<Option<Earlier>, RunError> {
        if self.plan.staged().is_none() {
            warn_of_inputs(&self.plan, &self.events).await?;
        }
        let mut existing = check(&self.plan, &self.events).await?;
        self.known.node_size = existing.node_size.take();
        if self.plan.resume { self.find_earlier(existing).await } else { Ok(None) }
    }

    async fn find_earlier(&self, existing: Existing) -> Result<Option<Earlier>, RunError> {
        let found = resume::find(&self.plan, existing).await?;
        if let Err(error) = found.clear_orphans(&self.plan).await {
            let message = format!("What an earlier worker left could not be removed: {error}");
            self.events.note(Level::Warn, message).await?;
        }
        Ok(found.into_earlier(&self.plan).await?)
    }

    /// Returns the clock of a run that began with the job.
    async fn resume(&mut self, earlier: Earlier) -> Result<Clock, RunError> {
        let Earlier { names, state, half_submitted, age } = earlier;
        (self.names, self.state, self.stage) = (names, state, Stage::Submitted);
        self.known.resumed = true;
        let (job, pool) = (self.names.job_id(), &self.plan.pool_id);
        let message = format!("Going on with job '{job}' on pool '{pool}'");
        self.events.progress("job.submitted", message).await?;
        if half_submitted {
            self.look_at_inputs().await?;
            submit_rest(&self.plan, &self.names, self.file_mode).await?;
        }
        // Its worker may have died when it had just created it.
        self.plan.batch.expect_task(&self.names.job_id(), &self.names.task_id());
        Ok(Clock::of_age(age))
    }

    /// Returns the clock of a run whose task waits.
    async fn submit(&mut self, clock: Clock, stops: &Stops<'_>) -> Result<Clock, RunError> {
        self.stage = Stage::StagingIn;
        let (end, since) = (clock.end(&self.plan), Instant::now());
        let late = format!("{} was reached while the input files were staged", end.in_words());
        stops.unless_late((end.at, late), self.stage_in()).await?;
        let clock = clock.staged();
        let mut quota_wait = QuotaWait::new(clock);
        loop {
            stops.unless(quota_wait.enter(&self.plan, &self.events)).await?;
            match stops.unless_killed_for(SUBMIT_GRACE, self.try_submit(since)).await? {
                Submission::Done => break,
                Submission::TakenOver(text) => return Err(RunError::Failed(text)),
                Submission::QuotaReached(text) => {
                    stops.unless(quota_wait.wait(&self.plan, &self.events, &text)).await?;
                }
            }
        }
        drop(quota_wait);
        let (job, pool) = (self.names.job_id(), &self.plan.pool_id);
        let message = format!("Job '{job}' submitted to pool '{pool}'");
        self.events.progress("job.submitted", message).await?;
        Ok(clock)
    }

    /// `staged_since` is when the first of the files may have been there.
    async fn try_submit(&mut self, staged_since: Instant) -> Result<Submission, RunError> {
        if staged_since.elapsed() > SURELY_OWN && !self.owns_its_files().await? {
            let text = "Another worker has taken this task run over and removed its staged files";
            return Ok(Submission::TakenOver(text.to_owned()));
        }
        self.stage = Stage::Submitting;
        let created = create_job(&self.plan, &self.names).await?;
        if !matches!(created, Submission::Done) {
            self.stage = Stage::StagingIn;
            return Ok(created);
        }
        self.stage = Stage::Submitted;
        let created = create_task(&self.plan, &self.names, self.file_mode).await?;
        if matches!(created, Submission::TakenOver(_)) {
            // The job and its files are the other worker's now.
            self.stage = Stage::Nothing;
        }
        Ok(created)
    }

    /// A worker that was slow may have been taken for dead: no job may run without its files.
    async fn owns_its_files(&self) -> azure::Result<bool> {
        match self.plan.staged().filter(|_| self.plan.may_be_taken_over()) {
            Some(staged) => is_staged(staged, &self.names).await,
            None => Ok(true),
        }
    }

    /// What can be staged. None without blob storage.
    async fn look_at_inputs(&mut self) -> Result<Option<Found>, RunError> {
        if self.plan.staged().is_none() {
            return Ok(None);
        }
        let found = look_at_inputs(&self.plan, &self.events).await?;
        self.file_mode = found.inputs.file_mode();
        Ok(Some(found))
    }

    async fn stage_in(&mut self) -> Result<(), RunError> {
        let start = Instant::now();
        let found = self.look_at_inputs().await?;
        let Some((staged, found)) = self.plan.staged().zip(found) else { return Ok(()) };
        let (files, bytes) = stage_in(staged, &self.names, found, &self.events).await?;
        let place = staged.files.container.name();
        let message =
            format!("Staged {files} input file(s), {bytes} bytes, in container '{place}'");
        self.known.times.stage_millis = Some(millis(start.elapsed()));
        self.known.transfers.stage_files = Some(files as u64);
        self.known.transfers.stage_bytes = Some(bytes);
        self.events.progress("files.staged", message).await?;
        let message = format!("The blobs of this run begin with '{}'", self.names.blobs());
        self.events.note(Level::Debug, message).await?;
        Ok(())
    }

    async fn follow(&mut self, clock: Clock) -> Result<Followed, RunError> {
        let task = Source { plan: &self.plan, names: &self.names, events: &self.events };
        Follower::new(task, clock, &mut self.state).follow().await
    }

    /// By when the files have to be back, and what is said if they are not.
    fn collecting_ends(&self, clock: Clock) -> (Instant, String) {
        let end = clock.end(&self.plan);
        let text =
            format!("{} was reached while the output files were brought back", end.in_words());
        (end.at.max(Instant::now() + COLLECTING), text)
    }

    async fn collect(&mut self) -> Result<(), RunError> {
        let Some(staged) = self.plan.staged() else { return Ok(()) };
        if staged.wanted.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let collected = collect(&self.plan, staged, &self.names, &self.events).await?;
        self.known.times.collect_millis = Some(millis(start.elapsed()));
        self.known.transfers.collect_files = Some(collected.files as u64);
        self.known.transfers.collect_bytes = Some(collected.bytes);
        self.events.progress("files.collected", collected.in_words()).await?;
        Ok(())
    }

    fn outcome(&self, Followed { task, limit }: &Followed) -> Outcome {
        let info = task.execution_info.as_ref();
        let message =
            limit.clone().or_else(|| failure::of_task(info, &self.plan.container.image_name));
        let status = if message.is_none() { Status::Succeeded } else { Status::Failed };
        // A success without a code has been seen.
        let success = (status == Status::Succeeded).then_some(0);
        let exit_code = info.and_then(|info| info.exit_code).or(success);
        Outcome { status, exit_code, message, details: self.details() }
    }

    /// Ends what was begun, and reports why. A job whose caller has gone is left alone, for another worker or for a kill
    /// that may follow; staged files without a job are orphaned, and removed.
    async fn stop(&mut self, error: RunError, kill: &CancellationToken) {
        self.establish().await;
        if matches!(error, RunError::Detached) && self.stage == Stage::Submitted {
            self.state.record_last(self.events.delivered()).await;
            self.events.leave();
            if timeout(DETACHED_LIFE, kill.cancelled()).await.is_err() {
                return;
            }
        }
        self.ending().terminate().await;
        if let Some(outcome) = error.into_outcome(self.details()) {
            let _ = self.events.report(outcome).await;
        }
    }

    /// Whether a job is there whose creation was not confirmed. Where nobody can say, it is ended all the same.
    async fn establish(&mut self) {
        if self.stage != Stage::Submitting {
            return;
        }
        match self.plan.batch.get_job(&self.names.job_id()).await {
            Ok(_) => self.stage = Stage::Submitted,
            Err(error) if error.is_not_found() => self.stage = Stage::StagingIn,
            Err(_) => {}
        }
    }

    fn ending(&mut self) -> Ending<'_> {
        Ending {
            plan: &self.plan,
            names: &self.names,
            events: &self.events,
            state: &mut self.state,
            stage: self.stage,
        }
    }

    fn details(&self) -> Option<Box<Details>> {
        let tell = || Box::new(self.known.details(&self.plan, &self.names));
        (self.stage == Stage::Submitted).then(tell)
    }
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
