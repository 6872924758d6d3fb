//! One output stream of a task, read as it grows.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::time::Instant;

use crate::account::Share;
use crate::error::RunError;
use crate::event::{EventSender, Read, Stream};
use crate::logs::{LineSplitter, is_marker};
use crate::names::RunNames;
use crate::pace::LogPace;
use crate::plan::Plan;
use crate::position::{StreamPosition, TaskRun};

/// Most bytes of a log in one answer.
const CHUNK: u64 = 256 * 1024;

/// Bytes at the end of what was read that the next read brings again: where they are others, the file is that of
/// another run of the task. Two runs that write the same for so long are told apart by the next look alone.
const OVERLAP: usize = 1024;

/// Bytes that become lines at once: a line without text takes many times the memory that it has bytes.
const PART: usize = 4096;

/// How much of what the account takes is for a stream that goes before others, and for one that does not: people look
/// at what is new.
const FIRST: u32 = 4;
const LAST: u32 = 1;

/// The task whose streams are read, and who gets their lines.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) names: &'a RunNames,
    pub(crate) events: &'a EventSender,
}

/// What a read has brought.
struct Piece {
    bytes: Bytes,
    read: Read,
}

/// Why a look at the task has to come before the next read. The service says of which task a file is, not of which of
/// its runs.
enum Doubt {
    /// The file's first bytes are those of the run that the look before had shown, if the look after shows it too.
    First(Piece),
    /// The file does not have what was read of it before.
    Other,
}

pub(crate) struct OutputStream {
    stream: Stream,
    run: TaskRun,
    /// Bytes that were read, without those in doubt.
    read: u64,
    /// The last of these.
    tail: Vec<u8>,
    /// When the file was read, the last time.
    last_read: u64,
    doubt: Option<Doubt>,
    /// Bytes of the lines that an earlier worker has delivered. They are read again for what the task says to Kestra in
    /// them (outputs, metrics), which went with that worker.
    known: u64,
    lines: LineSplitter,
    pace: LogPace,
    share: Share,
}

impl OutputStream {
    pub(crate) fn new(stream: Stream, run: TaskRun, known: u64, share: Share) -> Self {
        let (lines, pace) = (LineSplitter::default(), LogPace::new());
        let (tail, last_read) = (Vec::new(), now());
        Self { stream, run, read: 0, tail, last_read, doubt: None, known, lines, pace, share }
    }

    /// The task was just seen to run.
    pub(crate) fn begin(&mut self) {
        self.pace = LogPace::of_new(self.stream);
    }

    /// When it is to be read again.
    pub(crate) fn due(&self) -> Instant {
        self.pace.due()
    }

    /// The run of the task that the next bytes are of.
    pub(crate) fn set_run(&mut self, run: TaskRun) {
        self.run = run;
    }

    /// Whether a look at the task has to come before the next read.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Delivers what the file has beyond what was read, or the next of it.
    pub(crate) async fn pull(&mut self, from: &Source<'_>) -> Result<(), RunError> {
        let overlap = self.tail.len() as u64;
        let length = match self.read_file(from, self.read - overlap, overlap + CHUNK).await? {
            Some(bytes) => self.take_new(&bytes, from.events).await?,
            None => 0,
        };
        self.pace.was_read(length > 0);
        if length == CHUNK {
            self.pace.read_on();
        }
        self.share.weigh(if self.pace.goes_first() { FIRST } else { LAST });
        self.pace.hold(self.share.pause());
        Ok(())
    }

    /// Takes what follows the bytes that were read before, of a read that has begun with these. Returns its length.
    async fn take_new(&mut self, bytes: &Bytes, events: &EventSender) -> Result<u64, RunError> {
        if !bytes.starts_with(&self.tail) {
            self.doubt = Some(Doubt::Other);
            return Ok(0);
        }
        let piece = self.piece(bytes.slice(self.tail.len()..));
        let length = piece.length();
        match (length, self.tail.is_empty()) {
            (0, _) => {}
            (_, true) => self.doubt = Some(Doubt::First(piece)),
            (_, false) => self.push(&piece, events).await?,
        }
        Ok(length)
    }

    /// The task was seen to be in the run that it was in before.
    pub(crate) async fn confirm(&mut self, events: &EventSender) -> Result<(), RunError> {
        match self.doubt.take() {
            Some(Doubt::First(piece)) => self.push(&piece, events).await,
            Some(Doubt::Other) | None => Ok(()),
        }
    }

    /// Delivers the rest of a run that another one has followed. If that one may have written already, a first piece is
    /// of either of them.
    pub(crate) async fn end_run(
        &mut self,
        from: &Source<'_>,
        may_have_written: bool,
    ) -> Result<(), RunError> {
        if let Some(Doubt::First(piece)) = self.doubt.take()
            && !(may_have_written && self.next_run_has(&piece, from).await?)
        {
            self.push(&piece, from.events).await?;
        }
        // Of a line that an earlier worker has delivered, the caller has all.
        if self.read > self.known { self.finish_lines(from.events).await } else { Ok(()) }
    }

    /// Whether a first piece may be of the new run: then it is in that one's file, and is read again there.
    async fn next_run_has(&self, piece: &Piece, from: &Source<'_>) -> Result<bool, RunError> {
        let there = self.read_file(from, 0, piece.length()).await?;
        Ok(there.is_none_or(|there| there == piece.bytes))
    }

    /// Delivers the rest of a task that has ended. What its node has uploaded to blob storage comes from there, which
    /// takes more requests than Batch and outlives the node. Where it has not, the node may be in trouble for a while,
    /// and is asked twice.
    pub(crate) async fn finish(
        &mut self,
        from: &Source<'_>,
        is_uploaded: bool,
    ) -> Result<(), RunError> {
        let is_read = match is_uploaded {
            true => self.pull_uploaded(from).await? || self.pull_all(from).await?,
            false => self.pull_all(from).await? || self.pull_uploaded(from).await?,
        };
        if !is_read {
            self.pull_all(from).await?;
        }
        self.finish_lines(from.events).await
    }

    /// Delivers a last line without an end.
    async fn finish_lines(&mut self, events: &EventSender) -> Result<(), RunError> {
        let (last, read) = (self.lines.finish(), self.read_now(0));
        self.deliver(last, read, events).await
    }

    /// Delivers all that the file has beyond what was read. Returns whether the node showed it to its end.
    async fn pull_all(&mut self, from: &Source<'_>) -> Result<bool, RunError> {
        while let Some(bytes) = self.read_file(from, self.read, CHUNK).await? {
            let piece = self.piece(bytes);
            self.push(&piece, from.events).await?;
            if piece.length() < CHUNK {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// At most so many bytes of the file. None: the node does not show it.
    async fn read_file(
        &self,
        from: &Source<'_>,
        start: u64,
        max: u64,
    ) -> Result<Option<Bytes>, RunError> {
        let (job, task) = (from.names.job_id(), from.names.task_id());
        let read = from.plan.batch.get_task_file(&job, &task, self.file(), start, max);
        read.await.map_err(RunError::gone)
    }

    /// Reads on in blob storage. Returns whether the file is there.
    async fn pull_uploaded(&mut self, from: &Source<'_>) -> Result<bool, RunError> {
        let Some(staged) = from.plan.staged() else { return Ok(false) };
        let blob = from.names.log(self.file());
        let mut is_there = false;
        // A short piece is the last one.
        while let Some(bytes) = staged.files.container.get_range(&blob, self.read, CHUNK).await? {
            is_there = true;
            let piece = self.piece(bytes);
            self.push(&piece, from.events).await?;
            if piece.length() < CHUNK {
                break;
            }
        }
        Ok(is_there)
    }

    /// What a read has just brought.
    fn piece(&mut self, bytes: Bytes) -> Piece {
        Piece { read: self.read_now(line_ends(&bytes)), bytes }
    }

    async fn push(&mut self, piece: &Piece, events: &EventSender) -> Result<(), RunError> {
        let mut read = piece.read;
        for part in piece.bytes.chunks(PART) {
            read.more -= line_ends(part);
            self.push_part(part, read, events).await?;
        }
        Ok(())
    }

    /// A read that has just been made, with so many lines to come.
    fn read_now(&mut self, more: u64) -> Read {
        let until = now();
        Read { since: std::mem::replace(&mut self.last_read, until), until, more }
    }

    async fn push_part(
        &mut self,
        bytes: &[u8],
        read: Read,
        events: &EventSender,
    ) -> Result<(), RunError> {
        // What is known ends with a line, or where a long one was cut: no line lies on both sides.
        let known = self.known.saturating_sub(self.read).min(bytes.len() as u64) as usize;
        let (known, new) = bytes.split_at(known);
        let mut markers = self.take(known);
        if self.read == self.known {
            markers.extend(self.lines.finish());
        }
        markers.retain(|line| is_marker(line));
        self.deliver(markers, read, events).await?;
        let lines = self.take(new);
        self.deliver(lines, read, events).await
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        self.read += bytes.len() as u64;
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(OVERLAP)..]);
        self.tail.drain(..self.tail.len().saturating_sub(OVERLAP));
        self.lines.push(bytes)
    }

    async fn deliver(
        &self,
        lines: Vec<String>,
        read: Read,
        events: &EventSender,
    ) -> Result<(), RunError> {
        if !lines.is_empty() {
            let offset = self.known.max(self.read - self.lines.pending());
            let to = StreamPosition { run: self.run, stream: self.stream, offset };
            events.send_log(lines, read, to).await?;
        }
        Ok(())
    }

    fn file(&self) -> &'static str {
        match self.stream {
            Stream::Stdout => "stdout.txt",
            Stream::Stderr => "stderr.txt",
        }
    }
}

impl Piece {
    /// In bytes.
    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// In milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::account::Of;
    use crate::event::{Event, channel};

    const KNOWN: &str = "one\nso ::{\"a\":1}::\n";
    const NEW: &str = "two\n::{\"b\":2}::\nthree";

    /// The lines beyond those that are known of a text that arrives in pieces of `size` bytes, and where the caller is
    /// after each event.
    async fn told(text: &str, known: u64, size: usize) -> (Vec<String>, Vec<u64>) {
        let (events, mut pull) = channel();
        let share = Share::new(&Arc::default(), Of::Reads);
        let mut stream = OutputStream::new(Stream::Stdout, TaskRun::default(), known, share);
        let sending = async {
            for piece in text.as_bytes().chunks(size) {
                let piece = stream.piece(Bytes::copy_from_slice(piece));
                stream.push(&piece, &events).await.unwrap();
            }
            stream.finish_lines(&events).await.unwrap();
            events.send(Event::End).await.unwrap();
        };
        let pulling = async {
            let mut told = (Vec::new(), Vec::new());
            loop {
                let Some(Event::Log { lines, .. }) = pull.next_one().await else { return told };
                told.0.extend(lines);
                told.1.push(events.delivered().stdout);
            }
        };
        tokio::join!(sending, pulling).1
    }

    #[tokio::test]
    async fn of_known_lines_only_the_markers_are_told_however_the_bytes_arrive() {
        for size in 1..=KNOWN.len() + NEW.len() {
            let (lines, offsets) = told(&format!("{KNOWN}{NEW}"), KNOWN.len() as u64, size).await;
            assert_eq!(lines, ["::{\"a\":1}::", "two", "::{\"b\":2}::", "three"], "{size}");
            assert!(offsets.is_sorted() && offsets[0] == KNOWN.len() as u64, "{offsets:?}");
            assert_eq!(offsets.last(), Some(&((KNOWN.len() + NEW.len()) as u64)));
        }
    }

    #[tokio::test]
    async fn each_event_says_which_read_brought_its_lines_and_how_many_are_to_come() {
        let (events, mut pull) = channel();
        let share = Share::new(&Arc::default(), Of::Reads);
        let mut stream = OutputStream::new(Stream::Stdout, TaskRun::default(), 0, share);
        let began = stream.last_read;
        for _ in 0..2 {
            let piece = stream.piece("a line\n".repeat(2_000).into());
            stream.push(&piece, &events).await.unwrap();
        }
        drop(events);
        let mut reads = Vec::new();
        while let Some(Event::Log { lines, read, .. }) = pull.next_one().await {
            reads.push((lines.len() as u64, read));
        }
        let (first, second) = reads.split_at(reads.len() / 2);
        for events in [first, second] {
            assert!(
                events.len() > 1 && events.iter().map(|(lines, _)| lines).sum::<u64>() == 2_000
            );
            for pair in events.windows(2) {
                assert_eq!(pair[0].1.more, pair[1].0 + pair[1].1.more);
                assert_eq!((pair[0].1.since, pair[0].1.until), (pair[1].1.since, pair[1].1.until));
            }
            assert_eq!(events.last().unwrap().1.more, 0);
        }
        assert_eq!((first[0].1.since, second[0].1.since), (began, first[0].1.until));
    }

    #[tokio::test]
    async fn a_worker_that_goes_on_in_the_middle_of_a_long_line_repeats_and_loses_nothing() {
        let text = format!("before\n{}é{}\nafter\n", "a".repeat(100_000), "b".repeat(100_000));
        let (whole, offsets) = told(&text, 0, 10_000).await;
        assert_eq!(whole.len(), 6, "the long line in four");
        assert_eq!(whole.concat(), text.replace('\n', ""));
        for known in offsets {
            let (rest, _) = told(&text, known, 7_777).await;
            let lines = text.as_bytes()[..known as usize].iter().filter(|byte| **byte == b'\n');
            let before = usize::try_from(known).unwrap() - lines.count();
            assert_eq!(rest.concat(), whole.concat()[before..], "from {known}");
            assert!(whole.ends_with(&rest), "from {known}");
        }
    }
}
