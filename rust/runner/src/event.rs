use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::delivered::{Delivered, Position};

/// Bytes of the events that may wait to be pulled; a caller that pulls slowly slows the run's log reading down.
const CAPACITY: usize = 256 * 1024;

/// So many bytes of events are pulled at once, and what is left of the last event: as JSON they are six times as many
/// at worst.
const AT_ONCE: usize = 64 * 1024;

/// What a text costs beside its bytes: the string, and what its allocation is rounded up by.
const PER_TEXT: usize = size_of::<String>() + 16;

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

impl Event {
    /// Bytes that it takes in memory, about.
    fn size(&self) -> usize {
        let text = |text: &String| PER_TEXT + text.len();
        let texts = match self {
            Self::Note { message, .. } => text(message),
            Self::Log { lines, .. } => lines.iter().map(text).sum(),
            Self::Outcome(outcome) => outcome.message.as_ref().map_or(0, text),
            Self::End => 0,
        };
        size_of::<Self>() + texts
    }
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
    sender: mpsc::UnboundedSender<Queued>,
    /// Bytes that are free. Closed once the caller has gone.
    room: Arc<Semaphore>,
    delivered: watch::Receiver<Delivered>,
    outcome_kept: CancellationToken,
    left: CancellationToken,
}

/// The caller's end of the event channel. To drop it is to go away.
#[derive(Debug)]
pub struct Pull {
    receiver: mpsc::UnboundedReceiver<Queued>,
    room: Arc<Semaphore>,
    delivered: watch::Sender<Delivered>,
    gave_outcome: bool,
    outcome_kept: CancellationToken,
    left: CancellationToken,
}

/// An event, and the room that it takes until it is pulled.
#[derive(Debug)]
struct Queued {
    event: Event,
    _room: Option<OwnedSemaphorePermit>,
}

/// A channel for the events of one run, bounded by their bytes.
#[must_use]
pub fn channel() -> (Events, Pull) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(CAPACITY));
    let (delivered, seen) = watch::channel(Delivered::default());
    let (outcome_kept, left) = (CancellationToken::new(), CancellationToken::new());
    let events = Events {
        sender,
        room: Arc::clone(&room),
        delivered: seen,
        outcome_kept: outcome_kept.clone(),
        left: left.clone(),
    };
    (events, Pull { receiver, room, delivered, gave_outcome: false, outcome_kept, left })
}

impl Pull {
    /// Cancelled once the run needs this process no more: it has ended, or its caller has gone and it has
    /// written down what the next worker has to know.
    #[must_use]
    pub fn left(&self) -> CancellationToken {
        self.left.clone()
    }

    /// Waits for events and gives those that are there, of 64 KiB or a little more. None at all: the run is over.
    ///
    /// What was given counts as delivered. To come back after the outcome says that it is in the caller's books:
    /// what the run made is removed then.
    pub async fn next(&mut self) -> Vec<Event> {
        self.keep_outcome();
        let events = self.receive().await;
        self.delivered.send_modify(|delivered| {
            for event in &events {
                delivered.note(event);
            }
        });
        self.gave_outcome |= events.iter().any(|event| matches!(event, Event::Outcome(_)));
        events
    }

    async fn receive(&mut self) -> Vec<Event> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        let mut next = self.receiver.recv().await;
        while let Some(Queued { event, .. }) = next {
            bytes += event.size();
            events.push(event);
            next = if bytes < AT_ONCE { self.receiver.try_recv().ok() } else { None };
        }
        events
    }

    fn keep_outcome(&self) {
        if self.gave_outcome {
            self.outcome_kept.cancel();
        }
    }
}

impl Drop for Pull {
    /// A caller that goes away with the outcome will not ask for it again. Nobody waits for room any more.
    fn drop(&mut self) {
        self.room.close();
        self.keep_outcome();
    }
}

impl Events {
    /// Waits for room, so that a slow caller is not flooded.
    pub(crate) async fn send(&self, event: Event) -> Result<(), Detached> {
        // What is larger than all the room has it alone.
        let size = event.size().min(CAPACITY).try_into().unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(size).await.map_err(|_| Detached)?;
        self.queue(event, Some(room))
    }

    pub(crate) async fn note(&self, level: Level, message: String) -> Result<(), Detached> {
        self.send(Event::Note { level, message }).await
    }

    /// A note from a place that must not wait, such as the end of a killed run. Lost if nobody listens. It takes no
    /// room: such notes are few.
    pub(crate) fn note_now(&self, level: Level, message: String) {
        let _ = self.queue(Event::Note { level, message }, None);
    }

    fn queue(&self, event: Event, room: Option<OwnedSemaphorePermit>) -> Result<(), Detached> {
        self.sender.send(Queued { event, _room: room }).map_err(|_| Detached)
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
    use futures::FutureExt;
    use tokio::task::unconstrained;

    use super::*;

    fn log(lines: Vec<String>) -> Event {
        Event::Log { stream: Stream::Stdout, lines, to: Position::default() }
    }

    /// How many of these events go in until one has to wait.
    fn until_full(events: &Events, event: &Event) -> usize {
        let went_in = || unconstrained(events.send(event.clone())).now_or_never().is_some();
        (0..1_000_000).take_while(|_| went_in()).count()
    }

    #[tokio::test]
    async fn what_waits_to_be_pulled_is_bounded_by_its_bytes() {
        for lines in [vec!["x".repeat(4096)], vec![String::new(); 4096], vec![String::new()]] {
            let (events, mut pull) = channel();
            let event = log(lines);
            let count = until_full(&events, &event);
            assert!((1..=CAPACITY / event.size()).contains(&count), "{count}");
            let pulled = pull.next().await.len();
            assert!(pulled * event.size() < AT_ONCE + event.size(), "{pulled}");
            assert_eq!(until_full(&events, &event), pulled, "there is room again, and no more");
        }
    }

    #[tokio::test]
    async fn an_event_larger_than_all_the_room_goes_alone() {
        let (events, mut pull) = channel();
        let large = log(vec!["x".repeat(4 * CAPACITY)]);
        events.send(Event::End).await.unwrap();
        let mut sending = std::pin::pin!(events.send(large.clone()));
        assert!(sending.as_mut().now_or_never().is_none());
        assert_eq!(pull.next().await, [Event::End]);
        sending.await.unwrap();
        assert_eq!(until_full(&events, &Event::End), 0);
        assert_eq!(pull.next().await, [large]);
    }

    #[tokio::test]
    async fn a_note_that_must_not_wait_is_not_lost_where_there_is_no_room() {
        let (events, mut pull) = channel();
        until_full(&events, &log(vec!["x".repeat(1024)]));
        events.note_now(Level::Warn, "told".to_owned());
        drop(events);
        let mut last = None;
        while let Some(event) = pull.next().await.pop() {
            last = Some(event);
        }
        assert_eq!(last, Some(Event::Note { level: Level::Warn, message: "told".to_owned() }));
    }

    #[tokio::test]
    async fn nobody_waits_for_room_once_the_caller_has_gone() {
        let (events, pull) = channel();
        until_full(&events, &Event::End);
        let waiting = events.send(Event::End);
        drop(pull);
        assert_eq!(waiting.await, Err(Detached));
        assert_eq!(events.send(Event::End).await, Err(Detached));
    }

    #[test]
    fn the_fixture_that_java_reads_is_what_we_write() {
        let fixture = include_str!("../../../tests/fixtures/events.json");
        let events: Vec<Event> = serde_json::from_str(fixture).unwrap();
        let ours = serde_json::to_value(&events).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(fixture).unwrap());
    }
}
