//! Keeps in blob storage how far the log was delivered, for a worker that goes on with the run: it must not deliver
//! the same lines again.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::delivered::Delivered;
use crate::event::Events;
use crate::halt::Halt;
use crate::plan::{Plan, Staged};

/// Between two writes while lines come: so much of the log may come twice after a worker that was killed.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a write may hold up the log.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a run whose caller has gone tries to write.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How long the caller may take to pull the last lines, before it is written down that it has them.
const LAST_LINES: Duration = Duration::from_secs(2);

pub(crate) struct Bookmark<'a> {
    plan: &'a Plan,
    events: &'a Events,
    /// What the callers of earlier workers have.
    before: Delivered,
    written: Delivered,
    next: Instant,
}

/// What an earlier worker wrote down.
pub(crate) async fn read(plan: &Plan) -> Result<Delivered, Halt> {
    let Some(staged) = plan.staged() else { return Ok(Delivered::default()) };
    let said = staged.container.get_range(&staged.names.delivered(), 0, 1024).await?;
    Ok(said.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default())
}

impl<'a> Bookmark<'a> {
    pub(crate) fn new(plan: &'a Plan, events: &'a Events, before: Delivered) -> Self {
        Self { plan, events, before, written: before, next: Instant::now() }
    }

    /// Writes, unless it has just been done.
    pub(crate) async fn keep(&mut self) {
        if Instant::now() >= self.next {
            self.write(PATIENCE).await;
        }
    }

    /// Writes as soon as the caller has the whole log.
    pub(crate) async fn keep_all(&mut self, all: Delivered) {
        if self.needed().is_some() && !all.is_nothing() {
            let before = self.before;
            let delivered = self.events.delivered_all(|now| now.or(before) == all);
            let _ = timeout(LAST_LINES, delivered).await;
            self.write(PATIENCE).await;
        }
    }

    /// Writes what the caller had when it went away.
    pub(crate) async fn last_words(&mut self) {
        self.write(LAST_WORDS).await;
    }

    /// Nobody needs to be told of a failure; some lines may then be delivered again.
    async fn write(&mut self, patience: Duration) {
        let delivered = self.events.delivered().or(self.before);
        let Some(staged) = self.needed() else { return };
        if delivered == self.written {
            return;
        }
        let Ok(json) = serde_json::to_vec(&delivered) else { return };
        let name = staged.names.delivered();
        let write = staged.container.put_bytes(&name, Bytes::from(json));
        if matches!(timeout(patience, write).await, Ok(Ok(()))) {
            self.written = delivered;
        }
        self.next = Instant::now() + PAUSE;
    }

    /// Where nobody would go on with the run, nobody reads it.
    fn needed(&self) -> Option<&'a Staged> {
        self.plan.staged().filter(|_| self.plan.resume)
    }
}
