//! Waits while the account has as many active jobs as it may have.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::event::{Events, Level};
use crate::halt::Halt;
use crate::plan::Plan;

/// The pause before the second try; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A run that waits until the account has room for its job.
pub(crate) struct Room {
    since: Instant,
    pause: Duration,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), pause: FIRST_PAUSE }
    }

    /// How long the run has waited.
    pub(crate) fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// Waits for the next try, and gives up once a limit of the run leaves no time for another.
    pub(crate) async fn wait(
        &mut self,
        plan: &Plan,
        events: &Events,
        said: &str,
    ) -> Result<(), Halt> {
        let full = format!(
            "the Batch account '{}' has as many active jobs and job schedules as its quota allows",
            plan.account
        );
        let over = |(limit, _): &(Duration, _)| self.waited() + self.pause > *limit;
        if let Some((limit, property)) = plan.limits_until_start().find(over) {
            return Err(Halt::Failed(format!(
                "{property} of {limit:?} leaves no time to wait for a job to end: {full}; \
                 end some, or ask Azure for a higher quota ({said})"
            )));
        }
        if self.pause == FIRST_PAUSE {
            let message = format!("account: {full}; the run waits for one to end");
            events.note(Level::Warn, message).await?;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
