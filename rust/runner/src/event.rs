use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::details::Details;
use crate::position::{LogPosition, StreamPosition};

/// Bytes of the events that may wait to be pulled; a caller that pulls slowly slows the run's log reading down.
const CAPACITY: usize = 256 * 1024;

/// Bytes of events that are pulled at once, beside the rest of the last event. As JSON they are at most six times as
/// many.
const AT_ONCE: usize = 64 * 1024;

/// What a text costs beside its bytes: the string, and what its allocation is rounded up by.
const PER_TEXT: usize = size_of::<String>() + 16;

/// What a run reports to its caller, in order: notes, steps and lines, one [`Outcome`], notes, and the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Event {
    /// Something about the run that a person wants to know.
    Note {
        /// How important it is.
        level: Level,
        /// One line, without secrets.
        message: String,
    },
    /// A step of the run, for Kestra's `RunContext.emitProgress`; in the log, a note of level INFO.
    Progress {
        /// What is under way or done, for programs: `files.staging`, for example. The same one may come again.
        step: String,
        /// One line, without secrets.
        message: String,
    },
    /// Whole lines that the task wrote.
    Log {
        /// Where it wrote them.
        stream: Stream,
        /// Without their line ends.
        lines: Vec<String>,
        /// The read of the stream that brought them.
        #[serde(flatten)]
        read: Read,
    },
    /// A question: which files do these patterns of Java match, that only Java understands? The caller answers with
    /// [`EventReceiver::select`].
    Select {
        /// The Kestra task's working directory.
        directory: String,
        /// As in the flow, with their syntax.
        patterns: Vec<String>,
        /// Relative to the working directory.
        names: Vec<String>,
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
            Self::Progress { step, message } => text(step) + text(message),
            Self::Log { lines, .. } => lines.iter().map(text).sum(),
            Self::Select { directory, patterns, names } => {
                text(directory) + patterns.iter().chain(names).map(text).sum::<usize>()
            }
            Self::Outcome(outcome) => outcome.message.as_ref().map_or(0, text),
            Self::End => 0,
        };
        size_of::<Self>() + texts
    }
}

/// The level of a note, by its slf4j name.
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

/// A read of an output stream, from which the times of its lines are known, about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Read {
    /// When the stream was read before, in milliseconds since 1970: the lines were written after that.
    pub since: u64,
    /// When the stream was read, in milliseconds since 1970.
    pub until: u64,
    /// Lines of the same read that later events bring.
    pub more: u64,
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
    pub details: Option<Box<Details>>,
}

/// The one word for how a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// The command ended with 0 and all its files arrived.
    Succeeded,
    /// The command failed, or something on its way did.
    Failed,
    /// The configuration is wrong in a way that only a service can find.
    Invalid,
    /// The caller killed the run.
    Killed,
}

/// The caller has gone: nobody will pull another event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Detached;

/// For each pattern of a question, the positions of the names that it matches.
pub type Selection = Vec<Vec<usize>>;

/// The run's end of the event channel.
#[derive(Debug, Clone)]
pub struct EventSender {
    sender: mpsc::UnboundedSender<Queued>,
    selected: watch::Receiver<Option<Selection>>,
    /// Bytes that are free. Closed once the caller has gone.
    room: Arc<Semaphore>,
    delivered: watch::Receiver<LogPosition>,
    acknowledged: CancellationToken,
    left: CancellationToken,
}

/// The caller's end of the event channel. To drop it is to go away.
#[derive(Debug)]
pub struct EventReceiver {
    receiver: mpsc::UnboundedReceiver<Queued>,
    selected: watch::Sender<Option<Selection>>,
    room: Arc<Semaphore>,
    delivered: watch::Sender<LogPosition>,
    acknowledged: CancellationToken,
    left: CancellationToken,
}

/// An event, and the room that it takes until it is pulled.
#[derive(Debug)]
struct Queued {
    event: Event,
    /// The end of the last line, for lines of the task.
    to: Option<StreamPosition>,
    _room: Option<OwnedSemaphorePermit>,
}

/// A channel for the events of one run, bounded by their bytes.
#[must_use]
pub fn channel() -> (EventSender, EventReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(CAPACITY));
    let (delivered, seen) = watch::channel(LogPosition::default());
    let (selected, answered) = watch::channel(None);
    let (acknowledged, left) = (CancellationToken::new(), CancellationToken::new());
    let events = EventSender {
        sender,
        selected: answered,
        room: Arc::clone(&room),
        delivered: seen,
        acknowledged: acknowledged.clone(),
        left: left.clone(),
    };
    (events, EventReceiver { receiver, selected, room, delivered, acknowledged, left })
}

impl EventReceiver {
    /// Cancelled once the run needs this process no more: it has ended, or its caller has gone and it has
    /// recorded what the next worker has to know.
    #[must_use]
    pub fn left(&self) -> CancellationToken {
        self.left.clone()
    }

    /// Waits for events and returns those that are there, of 64 KiB or a little more. None at all: the run is over.
    ///
    /// What was returned counts as delivered.
    pub async fn next(&mut self) -> Vec<Event> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        let mut next = self.receiver.recv().await;
        while let Some(queued) = next {
            let event = self.deliver(queued);
            bytes += event.size();
            events.push(event);
            next = if bytes < AT_ONCE { self.receiver.try_recv().ok() } else { None };
        }
        events
    }

    fn deliver(&self, Queued { event, to, .. }: Queued) -> Event {
        if let Some(to) = to {
            self.delivered.send_modify(|delivered| delivered.advance(to));
        }
        event
    }

    #[cfg(test)]
    pub(crate) async fn next_one(&mut self) -> Option<Event> {
        let queued = self.receiver.recv().await?;
        Some(self.deliver(queued))
    }

    /// The answer to an [`Event::Select`]. Positions that do not exist are ignored.
    pub fn select(&self, selection: Selection) {
        self.selected.send_replace(Some(selection));
    }

    /// The outcome is recorded: the run removes what it made, reports that, and ends. A caller that goes away without
    /// this leaves the job and its files to the next worker, which reports the outcome again. Any number of times.
    pub fn acknowledge(&self) {
        self.acknowledged.cancel();
    }
}

impl Drop for EventReceiver {
    /// Nobody waits for room any more.
    fn drop(&mut self) {
        self.room.close();
    }
}

impl EventSender {
    /// Waits for room, so that a slow caller is not flooded.
    pub(crate) async fn send(&self, event: Event) -> Result<(), Detached> {
        let room = self.room_for(&event).await?;
        self.queue(event, None, Some(room))
    }

    /// Sends lines of the task, the last of which ends here.
    pub(crate) async fn send_log(
        &self,
        lines: Vec<String>,
        read: Read,
        to: StreamPosition,
    ) -> Result<(), Detached> {
        let event = Event::Log { stream: to.stream, lines, read };
        let room = self.room_for(&event).await?;
        self.queue(event, Some(to), Some(room))
    }

    pub(crate) async fn note(&self, level: Level, message: String) -> Result<(), Detached> {
        self.send(Event::Note { level, message }).await
    }

    pub(crate) async fn progress(&self, step: &str, message: String) -> Result<(), Detached> {
        self.send(Event::Progress { step: step.to_owned(), message }).await
    }

    /// A note from a place that must not wait, such as the end of a killed run. Lost if nobody listens. It takes no
    /// room: such notes are few.
    pub(crate) fn note_now(&self, level: Level, message: String) {
        let _ = self.queue(Event::Note { level, message }, None, None);
    }

    /// Asks a question, and waits for the answer.
    pub(crate) async fn select(&self, question: Event) -> Result<Selection, Detached> {
        let mut answers = self.selected.clone();
        // An answer that came before is to another question.
        answers.mark_unchanged();
        self.send(question).await?;
        answers.changed().await.map_err(|_| Detached)?;
        Ok(answers.borrow().clone().unwrap_or_default())
    }

    async fn room_for(&self, event: &Event) -> Result<OwnedSemaphorePermit, Detached> {
        // What is larger than all the room has it alone.
        let size = event.size().min(CAPACITY).try_into().unwrap_or(u32::MAX);
        Arc::clone(&self.room).acquire_many_owned(size).await.map_err(|_| Detached)
    }

    fn queue(
        &self,
        event: Event,
        to: Option<StreamPosition>,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<(), Detached> {
        self.sender.send(Queued { event, to, _room: room }).map_err(|_| Detached)
    }

    /// How much of the log was pulled.
    pub(crate) fn delivered(&self) -> LogPosition {
        *self.delivered.borrow()
    }

    /// Sends the outcome and waits until the caller acknowledges it.
    pub(crate) async fn report(&self, outcome: Outcome) -> Result<(), Detached> {
        self.send(Event::Outcome(outcome)).await?;
        tokio::select! {
            biased;
            () = self.acknowledged.cancelled() => Ok(()),
            () = self.detached() => Err(Detached),
        }
    }

    /// The run needs this process no more.
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
        Event::Log { stream: Stream::Stdout, lines, read: Read::default() }
    }

    /// How many of these events go in until one has to wait.
    fn until_full(events: &EventSender, event: &Event) -> usize {
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
