//! Waits while the account has as many active jobs as it may have. Runs wait in order, and only the first of them asks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard};
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::RunError;
use crate::event::{EventSender, Level};
use crate::limits::{Clock, Deadline};
use crate::plan::Plan;

/// The pause before the second try of the run that is first; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The way of a run to its job. While it is there, the run keeps its place.
pub(crate) struct QuotaWait {
    clock: Clock,
    pause: Duration,
    place: Option<Place>,
    is_told: bool,
}

enum Place {
    /// As far as is known, the account has room for all.
    Among { _others: OwnedRwLockReadGuard<()> },
    /// The account is full, and this run is the next.
    First { _alone: OwnedRwLockWriteGuard<()> },
}

impl QuotaWait {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, pause: FIRST_PAUSE, place: None, is_told: false }
    }

    /// Waits until no run is before this one that waits for room.
    pub(crate) async fn enter(
        &mut self,
        plan: &Plan,
        events: &EventSender,
    ) -> Result<(), RunError> {
        if self.place.is_some() {
            return Ok(());
        }
        let creations = Arc::clone(&plan.shared.creations);
        let others = match Arc::clone(&creations).try_read_owned() {
            Ok(others) => others,
            Err(_busy) => {
                self.tell(plan, events).await?;
                let end = self.clock.first_end(plan);
                let others = timeout_at(end.at, creations.read_owned()).await;
                others.map_err(|_elapsed| too_late(end, plan, "other runs wait as well"))?
            }
        };
        self.place = Some(Place::Among { _others: others });
        Ok(())
    }

    /// Waits for the next try after the service has `said` that the account is full. Gives up once a limit of the run
    /// leaves no time for another.
    pub(crate) async fn wait(
        &mut self,
        plan: &Plan,
        events: &EventSender,
        said: &str,
    ) -> Result<(), RunError> {
        let end = self.clock.first_end(plan);
        if Instant::now() + self.pause > end.at {
            return Err(too_late(end, plan, said));
        }
        self.tell(plan, events).await?;
        if matches!(self.place, Some(Place::First { .. })) {
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            return Ok(());
        }
        // Two that hold it while they wait to be first would wait for each other.
        self.place = None;
        let alone = timeout_at(end.at, Arc::clone(&plan.shared.creations).write_owned()).await;
        let alone = alone.map_err(|_elapsed| too_late(end, plan, said))?;
        self.place = Some(Place::First { _alone: alone });
        Ok(())
    }

    async fn tell(&mut self, plan: &Plan, events: &EventSender) -> Result<(), RunError> {
        if !std::mem::replace(&mut self.is_told, true) {
            let message = format!("account: {}; the run waits for one to end", full(plan));
            events.note(Level::Warn, message).await?;
        }
        Ok(())
    }
}

fn full(plan: &Plan) -> String {
    format!(
        "the Batch account '{}' has as many active jobs and job schedules as its quota allows",
        plan.account
    )
}

fn too_late(end: Deadline, plan: &Plan, said: &str) -> RunError {
    RunError::Failed(format!(
        "{} leaves no time to wait for a job to end: {}; \
         end some, or ask Azure for a higher quota ({said})",
        end.in_words(),
        full(plan)
    ))
}
