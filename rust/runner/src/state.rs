//! What a worker that takes over has to know of a run: one small document in blob storage, the only place where a run
//! keeps anything.

use std::time::Duration;

use azure::blob::{BlobContainer, Version};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use crate::names::RunNames;
use crate::plan::Plan;
use crate::position::LogPosition;

/// How long Kestra may keep a line in memory before it is in its log. A worker that is killed takes such lines with
/// it, so only what was delivered that long ago is recorded.
const SETTLING: Duration = Duration::from_secs(2);

/// How long a record of the position may hold up the log.
const LONGEST_LOG_PAUSE: Duration = Duration::from_secs(2);

/// How long a run whose caller has gone tries to record its position.
const DETACHING: Duration = Duration::from_secs(10);

/// Bytes of the document at most.
const MAX_DOCUMENT: u64 = 4096;

/// How often a write is begun again after another worker's. There are two workers at most, and one of them is slow.
const ATTEMPTS: usize = 10;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct State {
    /// How far the log was delivered.
    pub(crate) delivered: LogPosition,
    /// The outcome was reported: nobody resumes the run.
    pub(crate) reported: bool,
}

impl State {
    /// What was delivered or reported never goes back.
    fn merge(self, other: Self) -> Self {
        Self {
            delivered: self.delivered.merge(other.delivered),
            reported: self.reported || other.reported,
        }
    }
}

/// The document of one run. A slow worker and the one that took over may both write it: each write is for the version
/// that was read, and who loses reads again and merges.
pub(crate) struct StateBlob {
    /// None where nobody reads it: without blob storage, and without `resume`.
    place: Option<(BlobContainer, String)>,
    /// What is there, as far as this worker knows.
    state: State,
    version: Option<Version>,
    /// Delivered, and perhaps not in Kestra's log yet.
    settling: Option<(Instant, LogPosition)>,
}

impl StateBlob {
    /// The document of a new run. It is not there before there is something to record.
    pub(crate) fn new(plan: &Plan, names: &RunNames) -> Self {
        let staged = plan.staged().filter(|_| plan.resume);
        Self::at(staged.map(|staged| (staged.files.container.clone(), names.state())))
    }

    fn at(place: Option<(BlobContainer, String)>) -> Self {
        Self { place, state: State::default(), version: None, settling: None }
    }

    /// The document of an earlier worker's run.
    pub(crate) async fn read(plan: &Plan, names: &RunNames) -> azure::Result<Self> {
        let mut blob = Self::new(plan, names);
        blob.reload().await?;
        Ok(blob)
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Reads what another worker may have written.
    pub(crate) async fn reload(&mut self) -> azure::Result<()> {
        let Some((container, name)) = &self.place else { return Ok(()) };
        match container.get_bytes(name, MAX_DOCUMENT).await? {
            Some((json, version)) => {
                let read = serde_json::from_slice(&json).unwrap_or_default();
                self.state = self.state.merge(read);
                self.version = Some(version);
            }
            // It was there: whoever took over has removed the run's blobs, and this one would stay.
            None if self.version.is_some() => self.place = None,
            None => {}
        }
        Ok(())
    }

    /// Records what has settled of the log. To be called again and again while it grows.
    pub(crate) async fn record_settled(&mut self, delivered: LogPosition) {
        match self.settling {
            Some((since, settled)) if since.elapsed() >= SETTLING => {
                self.settling = None;
                self.record_delivered(settled, LONGEST_LOG_PAUSE).await;
            }
            Some(_) => {}
            None if self.is_news(delivered) => self.settling = Some((Instant::now(), delivered)),
            None => {}
        }
    }

    /// Records all that the caller had when it went away: a worker that shuts down keeps its last lines.
    pub(crate) async fn record_last(&mut self, delivered: LogPosition) {
        self.record_delivered(delivered, DETACHING).await;
    }

    /// A failure is not reported; some lines may then be delivered again.
    async fn record_delivered(&mut self, delivered: LogPosition, patience: Duration) {
        let _ = timeout(patience, self.record(State { delivered, ..self.state })).await;
    }

    /// Records that the outcome was reported: a retry of the Kestra task must not find it.
    pub(crate) async fn record_reported(&mut self) -> azure::Result<()> {
        self.record(State { reported: true, ..self.state }).await
    }

    fn is_news(&self, delivered: LogPosition) -> bool {
        self.state.delivered.merge(delivered) != self.state.delivered
    }

    async fn record(&mut self, news: State) -> azure::Result<()> {
        for _ in 0..ATTEMPTS {
            let merged = self.state.merge(news);
            let Some((container, name)) = &self.place else { return Ok(()) };
            if merged == self.state {
                return Ok(());
            }
            let json = Bytes::from(serde_json::to_vec(&merged).unwrap_or_default());
            match container.put_bytes_if(name, json, self.version.as_ref()).await? {
                Some(version) => {
                    (self.state, self.version) = (merged, Some(version));
                    return Ok(());
                }
                None => self.reload().await?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "../../azure/tests/rest/azurite.rs"]
mod azurite;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::position::tests::any_position;

    fn any_state() -> impl Strategy<Value = State> {
        (any_position(), any::<bool>())
            .prop_map(|(delivered, reported)| State { delivered, reported })
    }

    proptest! {
        #[test]
        fn a_merge_loses_nothing_whoever_comes_first(a in any_state(), b in any_state(), c in any_state()) {
            prop_assert_eq!(a.merge(b), b.merge(a));
            prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)));
            prop_assert!(a.merge(b).reported == (a.reported || b.reported));
        }

        #[test]
        fn a_state_is_read_as_it_was_written(state in any_state()) {
            let json = serde_json::to_vec(&state).unwrap();
            prop_assert_eq!(serde_json::from_slice::<State>(&json).unwrap(), state);
        }
    }

    fn delivered(stdout: u64, stderr: u64) -> LogPosition {
        LogPosition { stdout, stderr, ..LogPosition::default() }
    }

    /// Two workers, each of which knows only what it has read itself.
    #[tokio::test]
    async fn neither_of_two_workers_takes_back_what_the_other_has_recorded() {
        let azurite = azurite::Azurite::start().await;
        let container = azurite.create_container("kestra").await;
        let worker = || StateBlob::at(Some((container.clone(), "run/state.json".to_owned())));
        let (mut slow, mut next) = (worker(), worker());
        next.record_last(delivered(9, 2)).await;
        slow.record_last(delivered(5, 4)).await;
        assert_eq!(slow.state().delivered, delivered(9, 4));
        next.record_reported().await.unwrap();
        slow.record_last(delivered(7, 7)).await;
        let mut third = worker();
        third.reload().await.unwrap();
        assert_eq!(third.state(), State { delivered: delivered(9, 7), reported: true });
    }

    #[tokio::test]
    async fn a_document_that_was_removed_is_not_written_again() {
        let azurite = azurite::Azurite::start().await;
        let container = azurite.create_container("kestra").await;
        let mut slow = StateBlob::at(Some((container.clone(), "run/state.json".to_owned())));
        slow.record_last(delivered(1, 0)).await;
        container.delete("run/state.json").await.unwrap();
        slow.record_last(delivered(2, 0)).await;
        slow.record_reported().await.unwrap();
        assert_eq!(container.list("").await.unwrap(), []);
    }
}
