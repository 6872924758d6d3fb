//! Versions and states of resources, with their times.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::wire::time::instant;

/// The version of a resource.
#[derive(Clone)]
pub(crate) struct Stamp {
    pub(crate) etag: String,
    pub(crate) last_modified: OffsetDateTime,
}

impl Stamp {
    /// A version that no resource had before.
    pub(crate) fn new() -> Stamp {
        static LAST: AtomicU64 = AtomicU64::new(0x8DD_0000_0000_0000);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        Stamp { etag: format!("0x{number:X}"), last_modified: OffsetDateTime::now_utc() }
    }

    /// Adds `eTag` and `lastModified` to a shown resource.
    pub(crate) fn show(&self, shown: &mut Map<String, Value>) {
        shown.insert("eTag".into(), json!(self.etag));
        shown.insert("lastModified".into(), json!(instant(self.last_modified)));
    }
}

/// The state of a resource, since when, and the one before.
#[derive(Clone)]
pub(crate) struct Phase<S> {
    pub(crate) state: S,
    pub(crate) since: OffsetDateTime,
    /// `since` on a clock that nobody sets.
    entered: Instant,
    previous: Option<(S, OffsetDateTime)>,
}

impl<S: Copy + Serialize> Phase<S> {
    /// The first state of a resource.
    pub(crate) fn new(state: S) -> Phase<S> {
        let (since, entered) = (OffsetDateTime::now_utc(), Instant::now());
        Phase { state, since, entered, previous: None }
    }

    /// Moves on to another state.
    pub(crate) fn enter(&mut self, state: S) {
        self.previous = Some((self.state, self.since));
        self.state = state;
        self.since = OffsetDateTime::now_utc();
        self.entered = Instant::now();
    }

    /// How long the state has lasted.
    pub(crate) fn age(&self) -> Duration {
        self.entered.elapsed()
    }

    /// Adds `state`, `previousState` and their times to a shown resource.
    pub(crate) fn show(&self, shown: &mut Map<String, Value>) {
        shown.insert("state".into(), json!(self.state));
        shown.insert("stateTransitionTime".into(), json!(instant(self.since)));
        if let Some((state, since)) = &self.previous {
            shown.insert("previousState".into(), json!(state));
            shown.insert("previousStateTransitionTime".into(), json!(instant(*since)));
        }
    }
}
