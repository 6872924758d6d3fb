//! What ends a run's work from outside, and what is under way then.

use std::time::Duration;

use azure::blob::BlobContainer;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::event::Events;
use crate::halt::Halt;

/// How long a run that stops waits for the writes that are under way: what arrived after its blobs were removed would
/// stay.
const ARRIVING: Duration = Duration::from_secs(5);

/// A kill, and a caller that goes away.
pub(crate) struct Stops<'a> {
    kill: &'a CancellationToken,
    events: Events,
    /// Where the run writes, if anywhere.
    container: Option<BlobContainer>,
}

impl<'a> Stops<'a> {
    pub(crate) fn new(
        kill: &'a CancellationToken,
        events: Events,
        container: Option<BlobContainer>,
    ) -> Self {
        Self { kill, events, container }
    }

    /// Does the work until something stops it.
    pub(crate) async fn unless<T>(&self, work: BoxFuture<'_, Result<T, Halt>>) -> Result<T, Halt> {
        self.unless_late(None, work).await
    }

    /// The same for work that has to be done by a moment; the text says what happened if it is not.
    pub(crate) async fn unless_late<T>(
        &self,
        deadline: Option<(Instant, String)>,
        mut work: BoxFuture<'_, Result<T, Halt>>,
    ) -> Result<T, Halt> {
        let late = async {
            let Some((at, text)) = deadline else { return std::future::pending().await };
            sleep_until(at).await;
            Halt::Failed(text)
        };
        let halt = tokio::select! {
            biased;
            () = self.kill.cancelled() => Halt::Killed,
            () = self.events.detached() => Halt::Detached,
            halt = late => halt,
            done = &mut work => return done,
        };
        if let Some(container) = &self.container {
            let_arrive(container, work).await;
        }
        Err(halt)
    }

    /// Does the work to its end, but not for longer than this after a kill.
    pub(crate) async fn unless_killed_for<T>(
        &self,
        grace: Duration,
        work: BoxFuture<'_, Result<T, Halt>>,
    ) -> Result<T, Halt> {
        let killed = async {
            self.kill.cancelled().await;
            sleep(grace).await;
        };
        tokio::select! {
            done = work => done,
            () = killed => Err(Halt::Killed),
        }
    }
}

/// Goes on with work that is given up only until its writes under way have arrived. It begins no other.
pub(crate) async fn let_arrive<T>(container: &BlobContainer, work: impl Future<Output = T>) {
    tokio::select! {
        // First, so that the work can begin no other write.
        biased;
        _ = timeout(ARRIVING, container.writes_have_arrived()) => {}
        _ = work => {}
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::event::channel;

    #[tokio::test(start_paused = true)]
    async fn work_that_is_late_ends_with_the_words_for_it() {
        let (events, _pull) = channel();
        let kill = CancellationToken::new();
        let stops = Stops::new(&kill, events, None);
        let deadline = Some((Instant::now() + Duration::from_secs(60), "too late".to_owned()));
        let endless = std::future::pending::<Result<(), Halt>>();
        let halt = stops.unless_late(deadline, endless.boxed()).await.unwrap_err();
        assert!(matches!(halt, Halt::Failed(text) if text == "too late"));
    }
}
