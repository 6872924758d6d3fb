//! Versions and states of resources, with their times.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::wire::time::instant;

/// The version of a resource.
#[derive(Clone)]
pub(crate) struct ResourceVersion {
    pub(crate) etag: String,
    pub(crate) last_modified: OffsetDateTime,
}

impl ResourceVersion {
    /// Returns a new, unique version.
    pub(crate) fn new() -> ResourceVersion {
        static LAST: AtomicU64 = AtomicU64::new(0x8DD_0000_0000_0000);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        ResourceVersion { etag: format!("0x{number:X}"), last_modified: OffsetDateTime::now_utc() }
    }

    /// Adds `eTag` and `lastModified` to the JSON of a resource.
    pub(crate) fn add_to(&self, properties: &mut Map<String, Value>) {
        properties.insert("eTag".into(), json!(self.etag));
        properties.insert("lastModified".into(), json!(instant(self.last_modified)));
    }
}

/// The state of a resource, its time, and the previous state.
#[derive(Clone)]
pub(crate) struct Phase<S> {
    pub(crate) state: S,
    pub(crate) since: OffsetDateTime,
    /// `since` on the monotonic clock.
    entered: Instant,
    previous: Option<(S, OffsetDateTime)>,
}

impl<S: Copy + Serialize> Phase<S> {
    /// Returns the first state of a resource.
    pub(crate) fn new(state: S) -> Phase<S> {
        let (since, entered) = (OffsetDateTime::now_utc(), Instant::now());
        Phase { state, since, entered, previous: None }
    }

    /// Changes the state.
    pub(crate) fn enter(&mut self, state: S) {
        self.previous = Some((self.state, self.since));
        self.follow(state);
    }

    /// Changes the state and keeps the previous one.
    pub(crate) fn follow(&mut self, state: S) {
        self.state = state;
        self.since = OffsetDateTime::now_utc();
        self.entered = Instant::now();
    }

    /// Returns how long the resource has been in this state.
    pub(crate) fn age(&self) -> Duration {
        self.entered.elapsed()
    }

    /// Adds `state`, `previousState` and their times to the JSON of a resource.
    pub(crate) fn add_to(&self, properties: &mut Map<String, Value>) {
        properties.insert("state".into(), json!(self.state));
        properties.insert("stateTransitionTime".into(), json!(instant(self.since)));
        if let Some((state, since)) = &self.previous {
            properties.insert("previousState".into(), json!(state));
            properties.insert("previousStateTransitionTime".into(), json!(instant(*since)));
        }
    }
}
