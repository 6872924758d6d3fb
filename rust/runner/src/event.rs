use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// Events that may wait to be pulled; a caller that pulls slowly slows the run's log reading down.
const CAPACITY: usize = 64;

/// What a run tells its caller, in order. The last one is the [`Outcome`].
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
    },
    /// How it ended.
    Outcome(Outcome),
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
}

/// The caller has gone: nobody will pull another event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Detached;

/// The run's end of the event channel.
#[derive(Debug, Clone)]
pub struct Events(mpsc::Sender<Event>);

/// A bounded channel for the events of one run.
#[must_use]
pub fn channel() -> (Events, mpsc::Receiver<Event>) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (Events(sender), receiver)
}

impl Events {
    /// Waits for room, so that a slow caller is not flooded.
    pub(crate) async fn send(&self, event: Event) -> Result<(), Detached> {
        self.0.send(event).await.map_err(|_| Detached)
    }

    pub(crate) async fn note(&self, level: Level, message: String) -> Result<(), Detached> {
        self.send(Event::Note { level, message }).await
    }

    /// A note from a place that must not wait, such as the end of a killed run. Lost if nobody listens.
    pub(crate) fn note_now(&self, level: Level, message: String) {
        drop(self.0.try_send(Event::Note { level, message }));
    }

    /// Resolves when the caller has gone.
    pub(crate) async fn detached(&self) {
        self.0.closed().await;
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
