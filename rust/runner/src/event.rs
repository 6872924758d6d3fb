use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::delivered::{Delivered, Position};

/// Events that may wait to be pulled; a caller that pulls slowly slows the run's log reading down.
const CAPACITY: usize = 64;

/// What a run tells its caller, in order: notes and lines, one [`Outcome`], notes, and the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Event {
    /// Something about the run that a person wants to know.
    Note {
        /// How loud.
        level: Level,
        /// One line, without secrets.
        message: String,
    },
    /// Whole lines that the task wrote.
    Log {
        /// Where it wrote them.
        stream: Stream,
        /// Without their line ends.
        lines: Vec<String>,
        /// The end of the last line. Not for the caller.
        #[serde(skip)]
        to: Position,
    },
    /// How it ended.
    Outcome(Outcome),
    /// The last event: everything is cleaned up.
    End,
}

/// Loudness of a note, by its slf4j name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// One of the task's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// In one word.
    pub status: Status,
    /// The task's own exit code. Absent where the command never ran to its end.
    pub exit_code: Option<i32>,
    /// What went wrong, in words; absent on success.
    pub message: Option<String>,
    /// Where it ran; absent if it never got so far.
    pub details: Option<Details>,
}

/// The one word for how a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// The command ended with 0 and all its files arrived.
    Succeeded,
    /// The command failed, or something on its way did.
    Failed,
    /// The configuration is wrong in a way that only the services could tell.
    Invalid,
    /// The caller killed the run.
    Killed,
}

/// Where a task ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct Details {
    pub job_id: String,
    pub task_id: String,
    pub pool_id: String,
    pub node_id: Option<String>,
    #[serde(flatten)]
    pub times: Times,
}

/// How long the parts of a run took, in milliseconds; absent where it did not come to that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// Uploading the input files.
    pub stage_millis: Option<u64>,
    /// From the task's creation to its start.
    pub queue_millis: Option<u64>,
    /// From the task's start, download of its files included, to its end, upload included.
    pub run_millis: Option<u64>,
    /// Downloading the output files.
    pub collect_millis: Option<u64>,
}

/// The caller has gone: nobody will pull another event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Detached;

/// The run's end of the event channel.
#[derive(Debug, Clone)]
pub struct Events {
    sender: mpsc::Sender<Event>,
    delivered: watch::Receiver<Delivered>,
    outcome_kept: CancellationToken,
    left: CancellationToken,
}

/// The caller's end of the event channel. To drop it is to go away.
#[derive(Debug)]
pub struct Pull {
    receiver: mpsc::Receiver<Event>,
    delivered: watch::Sender<Delivered>,
    gave_outcome: bool,
    outcome_kept: CancellationToken,
    left: CancellationToken,
}

/// A bounded channel for the events of one run.
#[must_use]
pub fn channel() -> (Events, Pull) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let (delivered, seen) = watch::channel(Delivered::default());
    let (outcome_kept, left) = (CancellationToken::new(), CancellationToken::new());
    let events =
        Events { sender, delivered: seen, outcome_kept: outcome_kept.clone(), left: left.clone() };
    (events, Pull { receiver, delivered, gave_outcome: false, outcome_kept, left })
}

impl Pull {
    /// Cancelled once the run needs this process no more: it has ended, or its caller has gone and it has
    /// written down what the next worker has to know.
    #[must_use]
    pub fn left(&self) -> CancellationToken {
        self.left.clone()
    }

    /// Waits for events and gives all that are there, at most 64. None at all: the run is over.
    ///
    /// What was given counts as delivered. To come back after the outcome says that it is in the caller's books:
    /// what the run made is removed then.
    pub async fn next(&mut self) -> Vec<Event> {
        self.keep_outcome();
        let mut events = Vec::new();
        self.receiver.recv_many(&mut events, CAPACITY).await;
        self.delivered.send_modify(|delivered| {
            for event in &events {
                delivered.note(event);
            }
        });
        self.gave_outcome |= events.iter().any(|event| matches!(event, Event::Outcome(_)));
        events
    }

    fn keep_outcome(&self) {
        if self.gave_outcome {
            self.outcome_kept.cancel();
        }
    }
}

impl Drop for Pull {
    /// A caller that goes away with the outcome will not ask for it again.
    fn drop(&mut self) {
        self.keep_outcome();
    }
}

impl Events {
    /// Waits for room, so that a slow caller is not flooded.
    pub(crate) async fn send(&self, event: Event) -> Result<(), Detached> {
        self.sender.send(event).await.map_err(|_| Detached)
    }

    pub(crate) async fn note(&self, level: Level, message: String) -> Result<(), Detached> {
        self.send(Event::Note { level, message }).await
    }

    /// A note from a place that must not wait, such as the end of a killed run. Lost if nobody listens.
    pub(crate) fn note_now(&self, level: Level, message: String) {
        drop(self.sender.try_send(Event::Note { level, message }));
    }

    pub(crate) fn delivered(&self) -> Delivered {
        *self.delivered.borrow()
    }

    /// Sends the outcome and waits until it is in the caller's books.
    pub(crate) async fn deliver(&self, outcome: Outcome) -> Result<(), Detached> {
        self.send(Event::Outcome(outcome)).await?;
        tokio::select! {
            biased;
            () = self.outcome_kept.cancelled() => Ok(()),
            () = self.detached() => Err(Detached),
        }
    }

    /// This process may end now.
    pub(crate) fn leave(&self) {
        self.left.cancel();
    }

    /// Resolves when the caller has gone.
    pub(crate) async fn detached(&self) {
        self.sender.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixture_that_java_reads_is_what_we_write() {
        let fixture = include_str!("../../../tests/fixtures/events.json");
        let events: Vec<Event> = serde_json::from_str(fixture).unwrap();
        let ours = serde_json::to_value(&events).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(fixture).unwrap());
    }
}
