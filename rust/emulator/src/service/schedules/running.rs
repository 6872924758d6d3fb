//! What job schedules do by themselves: they create jobs, and end.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::service::{MIN_TRANSITION, Service};
use crate::store::Store;
use crate::store::job::{Job, JobEntry};
use crate::store::schedule::{JobSchedule, ScheduleState};

/// The next step of a schedule.
enum Step {
    CreateJob(OffsetDateTime),
    WaitUntil(OffsetDateTime),
    /// It was active, and there is nothing more to do.
    End,
    /// It was terminated, and its job has ended.
    Complete,
    /// It was deleted, with its jobs.
    Remove,
    /// Something else has to happen first.
    None,
}

impl Step {
    /// Returns whether the schedule is over with it.
    fn is_last(&self) -> bool {
        matches!(self, Step::End | Step::Complete | Step::Remove)
    }
}

impl Service {
    /// Takes the next step of a job schedule. To be called when something changed that the step
    /// may depend on: time, state, times, or the end of a job.
    pub(super) fn advance(self: &Arc<Self>, id: &str) {
        if self.closing.is_cancelled() {
            return;
        }
        let (job, ended) = {
            let mut store = self.store();
            let now = OffsetDateTime::now_utc();
            let least = MIN_TRANSITION.max(self.state_delay.changing);
            let step = next_step(&store, id, now, least);
            let ended = store.job_schedule(id).ok().filter(|_| step.is_last()).cloned();
            (self.take(&mut store, id, step), ended)
        };
        if let Some(job) = job {
            self.start_job(&job);
        }
        if let Some(schedule) = ended {
            self.delete_pool_of_schedule(&schedule);
        }
    }

    /// Takes a step. Returns the id of a job that was created.
    fn take(self: &Arc<Self>, store: &mut Store, id: &str, step: Step) -> Option<String> {
        let schedule = store.job_schedule_mut(id).ok()?;
        match step {
            Step::CreateJob(due) => {
                let job_id = schedule.next_job(due);
                let (spec, pool) = schedule.job();
                store.insert_job(spec);
                if let Some((pool, entry)) = pool.zip(store.job_mut(&job_id).ok()) {
                    entry.job.pool_id = pool;
                }
                return Some(job_id);
            }
            Step::WaitUntil(at) => schedule.timer = Some(self.timer(id, at)),
            Step::End => schedule.change_state(ScheduleState::Completed),
            Step::Complete => schedule.enter(ScheduleState::Completed),
            Step::Remove => store.remove_job_schedule(id),
            Step::None => {}
        }
        None
    }

    fn timer(self: &Arc<Self>, id: &str, at: OffsetDateTime) -> Arc<AbortOnDropHandle<()>> {
        let rest = Duration::try_from(at - OffsetDateTime::now_utc()).unwrap_or_default();
        Arc::new(AbortOnDropHandle::new(tokio::spawn(
            Arc::clone(self).advance_in(rest, id.to_owned()),
        )))
    }

    /// Takes the next step after a time.
    pub(super) async fn advance_in(self: Arc<Self>, rest: Duration, id: String) {
        tokio::select! {
            () = sleep(rest) => self.advance(&id),
            () = self.closing.cancelled() => {}
        }
    }

    /// Goes on with the schedule of a job that has ended or was removed.
    pub(in crate::service) fn after_job_end(self: &Arc<Self>, job_id: &str) {
        if let Some(schedule) = Job::schedule_of(job_id) {
            self.advance(schedule);
        }
    }
}

fn next_step(store: &Store, id: &str, now: OffsetDateTime, least: Duration) -> Step {
    let Ok(schedule) = store.job_schedule(id) else { return Step::None };
    let is_idle = store.jobs_of(id).all(|entry: &JobEntry| entry.job.is_completed());
    let has_waited = schedule.phase.age() >= least;
    match schedule.phase.state {
        ScheduleState::Active if is_idle => step_of_active(schedule, now),
        ScheduleState::Terminating if is_idle && has_waited => Step::Complete,
        ScheduleState::Deleting if has_waited && store.jobs_of(id).next().is_none() => Step::Remove,
        _ => Step::None,
    }
}

fn step_of_active(schedule: &JobSchedule, now: OffsetDateTime) -> Step {
    match (schedule.next_run(now), schedule.schedule.do_not_run_after) {
        (Some(due), _) if due <= now => Step::CreateJob(due),
        (Some(due), _) => Step::WaitUntil(due),
        (None, Some(after)) if !schedule.is_over(now) => Step::WaitUntil(after.0),
        (None, _) => Step::End,
    }
}
