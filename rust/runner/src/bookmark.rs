//! Keeps in blob storage how far the log was delivered, for a worker that goes on with the run: it must not deliver
//! the same lines again.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::delivered::Delivered;
use crate::event::Events;
use crate::halt::Halt;
use crate::plan::Plan;

/// How long Kestra may keep a line in memory before it is in its log. A worker that is killed takes such lines with
/// it, so only what was delivered that long ago is written down.
const SETTLING: Duration = Duration::from_secs(2);

/// How long a write may hold up the log.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a run whose caller has gone tries to write.
const LAST_WORDS: Duration = Duration::from_secs(10);

pub(crate) struct Bookmark<'a> {
    plan: &'a Plan,
    events: &'a Events,
    /// What the callers of earlier workers have.
    before: Delivered,
    written: Delivered,
    settling: Option<(Instant, Delivered)>,
}

/// What an earlier worker wrote down.
pub(crate) async fn read(plan: &Plan) -> Result<Delivered, Halt> {
    let Some(staged) = plan.staged() else { return Ok(Delivered::default()) };
    let said = staged.container.get_range(&staged.names.delivered(), 0, 1024).await?;
    Ok(said.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default())
}

impl<'a> Bookmark<'a> {
    pub(crate) fn new(plan: &'a Plan, events: &'a Events, before: Delivered) -> Self {
        Self { plan, events, before, written: before, settling: None }
    }

    /// Writes what has settled. To be called again and again.
    pub(crate) async fn keep(&mut self) {
        match self.settling {
            Some((since, delivered)) if since.elapsed() >= SETTLING => {
                self.write(delivered, PATIENCE).await;
                self.settling = None;
            }
            Some(_) => {}
            None => self.settling = self.news().map(|delivered| (Instant::now(), delivered)),
        }
    }

    /// Writes what the caller had when it went away: a worker that shuts down keeps its last lines.
    pub(crate) async fn last_words(&mut self) {
        if let Some(delivered) = self.news() {
            self.write(delivered, LAST_WORDS).await;
        }
    }

    /// What was delivered since the last write.
    fn news(&self) -> Option<Delivered> {
        let delivered = self.events.delivered().or(self.before);
        (delivered != self.written).then_some(delivered)
    }

    /// Nobody needs to be told of a failure; some lines may then be delivered again.
    async fn write(&mut self, delivered: Delivered, patience: Duration) {
        // Where nobody would go on with the run, nobody reads it.
        let Some(staged) = self.plan.staged().filter(|_| self.plan.resume) else { return };
        let Ok(json) = serde_json::to_vec(&delivered) else { return };
        let name = staged.names.delivered();
        let write = staged.container.put_bytes(&name, Bytes::from(json));
        if matches!(timeout(patience, write).await, Ok(Ok(()))) {
            self.written = delivered;
        }
    }
}
