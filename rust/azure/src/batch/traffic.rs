//! What the requests of a client took.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use tokio::time::Instant;

/// The requests of a client and its clones, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Sent, those that were sent again included.
    pub requests: u64,
    /// Sent again after an error, or beside a first one that stood still.
    pub retries: u64,
    /// For how long requests were held back because of the rate that the account takes, over all of them.
    pub throttled: Duration,
}

/// The counters of a client.
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
    throttled_micros: AtomicU64,
}

impl Counters {
    pub(super) fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Relaxed),
            retries: self.retries.load(Relaxed),
            throttled: Duration::from_micros(self.throttled_micros.load(Relaxed)),
        }
    }

    pub(super) fn sent(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    /// A request has been held back since then.
    pub(super) fn held_since(&self, since: Instant) {
        let micros = since.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
        self.throttled_micros.fetch_add(micros, Relaxed);
    }
}
