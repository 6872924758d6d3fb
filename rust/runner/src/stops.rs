//! What ends a run's work from outside, and what is under way then.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::RwLock;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::event::Events;
use crate::halt::Halt;

/// How long a run that stops waits for the writes that are under way: what arrived after its blobs were removed would
/// stay.
pub(crate) const ARRIVING: Duration = Duration::from_secs(5);

/// The writes of a run to blob storage.
#[derive(Clone, Default)]
pub(crate) struct Writes {
    /// Shared by the writes under way. It is fair: once somebody waits to have it alone, no write begins.
    under_way: Arc<RwLock<()>>,
}

impl Writes {
    /// Makes a write. It never begins once the run stops.
    pub(crate) async fn make<T>(&self, write: impl Future<Output = T>) -> T {
        let _under_way = self.under_way.read().await;
        write.await
    }

    async fn have_arrived(&self) {
        drop(self.under_way.write().await);
    }
}

/// A kill, and a caller that goes away.
pub(crate) struct Stops<'a> {
    kill: &'a CancellationToken,
    events: Events,
    writes: Writes,
}

impl<'a> Stops<'a> {
    pub(crate) fn new(kill: &'a CancellationToken, events: Events, writes: Writes) -> Self {
        Self { kill, events, writes }
    }

    /// Does the work until something stops it.
    pub(crate) async fn unless<T>(
        &self,
        mut work: BoxFuture<'_, Result<T, Halt>>,
    ) -> Result<T, Halt> {
        let halt = tokio::select! {
            biased;
            () = self.kill.cancelled() => Halt::Killed,
            () = self.events.detached() => Halt::Detached,
            done = &mut work => return done,
        };
        tokio::select! {
            // First, so that the work can begin no other write.
            biased;
            _ = timeout(ARRIVING, self.writes.have_arrived()) => {}
            _ = &mut work => {}
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::FutureExt;

    use super::*;
    use crate::event::channel;

    #[tokio::test]
    async fn a_write_that_is_under_way_when_a_run_stops_arrives_and_no_other_begins() {
        let (events, _pull) = channel();
        let (kill, writes, arrived) =
            (CancellationToken::new(), Writes::default(), Mutex::new(Vec::new()));
        let work = async {
            for n in 1..=3 {
                let slow = async {
                    kill.cancel();
                    tokio::task::yield_now().await;
                    arrived.lock().unwrap().push(n);
                };
                writes.make(slow).await;
            }
            Ok(())
        };
        let stops = Stops::new(&kill, events, writes.clone());
        assert!(matches!(stops.unless(work.boxed()).await, Err(Halt::Killed)));
        assert_eq!(*arrived.lock().unwrap(), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_stops_does_not_wait_for_ever() {
        let (events, pull) = channel();
        drop(pull);
        let (kill, writes) = (CancellationToken::new(), Writes::default());
        let endless = writes.make(std::future::pending::<Result<(), Halt>>());
        let stops = Stops::new(&kill, events, writes.clone());
        assert!(matches!(stops.unless(endless.boxed()).await, Err(Halt::Detached)));
    }
}
