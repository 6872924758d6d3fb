//! Waits while the account has as many active jobs as it may have.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::RunError;
use crate::event::{EventSender, Level};
use crate::limits::Clock;
use crate::plan::Plan;

/// The pause before the second try; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A run that waits until the account has room for its job.
pub(crate) struct QuotaWait {
    clock: Clock,
    pause: Duration,
}

impl QuotaWait {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, pause: FIRST_PAUSE }
    }

    /// Waits for the next try, and gives up once a limit of the run leaves no time for another.
    pub(crate) async fn wait(
        &mut self,
        plan: &Plan,
        events: &EventSender,
        said: &str,
    ) -> Result<(), RunError> {
        let full = format!(
            "the Batch account '{}' has as many active jobs and job schedules as its quota allows",
            plan.account
        );
        let next = Instant::now() + self.pause;
        let too_late = self.clock.deadlines(plan, false).find(|deadline| next > deadline.at);
        if let Some(deadline) = too_late {
            return Err(RunError::Failed(format!(
                "{} leaves no time to wait for a job to end: {full}; \
                 end some, or ask Azure for a higher quota ({said})",
                deadline.in_words()
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
