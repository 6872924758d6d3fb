//! What ends a run's work from outside.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::error::RunError;
use crate::event::EventSender;

/// A kill, and a caller that goes away. Work that is stopped is dropped: it begins nothing more, and its writes to blob
/// storage that are under way still arrive (`BlobContainer::writes_have_arrived`).
pub(crate) struct Stops<'a> {
    kill: &'a CancellationToken,
    events: EventSender,
}

impl<'a> Stops<'a> {
    pub(crate) fn new(kill: &'a CancellationToken, events: EventSender) -> Self {
        Self { kill, events }
    }

    /// Does the work until something stops it.
    pub(crate) async fn unless<T>(
        &self,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        tokio::select! {
            biased;
            () = self.kill.cancelled() => Err(RunError::Killed),
            () = self.events.detached() => Err(RunError::Detached),
            done = work => done,
        }
    }

    /// The same for work that has to be done by a moment; the text says what happened if it is not.
    pub(crate) async fn unless_late<T>(
        &self,
        (at, text): (Instant, String),
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        self.unless(async {
            tokio::select! {
                biased;
                () = sleep_until(at) => Err(RunError::Failed(text)),
                done = work => done,
            }
        })
        .await
    }

    /// Does the work to its end, but not for longer than this after a kill.
    pub(crate) async fn unless_killed_for<T>(
        &self,
        grace: Duration,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        let killed = async {
            self.kill.cancelled().await;
            sleep(grace).await;
        };
        tokio::select! {
            done = work => done,
            () = killed => Err(RunError::Killed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::channel;

    #[tokio::test(start_paused = true)]
    async fn work_that_is_late_ends_with_the_words_for_it() {
        let (events, _pull) = channel();
        let kill = CancellationToken::new();
        let stops = Stops::new(&kill, events);
        let deadline = (Instant::now() + Duration::from_secs(60), "too late".to_owned());
        let endless = std::future::pending::<Result<(), RunError>>();
        let error = stops.unless_late(deadline, endless).await.unwrap_err();
        assert!(matches!(error, RunError::Failed(text) if text == "too late"));
    }
}
