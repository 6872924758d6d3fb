//! One output stream of a task, read as it grows.

use crate::delivered::{Position, TaskRun};
use crate::event::{Event, Events, Stream};
use crate::halt::Halt;
use crate::logs::{LineSplitter, is_marker};
use crate::plan::Plan;

/// Most bytes of a log in one answer.
const CHUNK: u64 = 1024 * 1024;

pub(crate) struct OutputStream {
    stream: Stream,
    run: TaskRun,
    /// Bytes that were read.
    read: u64,
    /// Bytes of the lines that an earlier worker has delivered. They are read again for what the task says to Kestra in
    /// them (outputs, metrics), which went with that worker.
    known: u64,
    lines: LineSplitter,
}

impl OutputStream {
    pub(crate) fn new(stream: Stream, run: TaskRun, known: u64) -> Self {
        Self { stream, run, read: 0, known, lines: LineSplitter::default() }
    }

    /// The run of the task that the next bytes are of.
    pub(crate) fn set_run(&mut self, run: TaskRun) {
        self.run = run;
    }

    /// Delivers all that the file has beyond what was read. Tells whether that was anything.
    pub(crate) async fn pull(&mut self, plan: &Plan, events: &Events) -> Result<bool, Halt> {
        let start = self.read;
        let task = plan.task_id();
        while let Some(bytes) = plan
            .batch
            .get_task_file(&plan.job_id, task, self.file(), self.read, CHUNK)
            .await
            .map_err(Halt::gone)?
        {
            if bytes.is_empty() {
                break;
            }
            self.push(&bytes, events).await?;
            if (bytes.len() as u64) < CHUNK {
                break;
            }
        }
        Ok(self.read > start)
    }

    /// Delivers the rest of a task that has ended, from blob storage where the node does not show all of it: it may
    /// be gone, in trouble for a while, or have come back only now.
    pub(crate) async fn finish(&mut self, plan: &Plan, events: &Events) -> Result<(), Halt> {
        self.pull(plan, events).await?;
        let Plan { batch, job_id, .. } = plan;
        let length = batch.get_task_file_length(job_id, plan.task_id(), self.file()).await?;
        if length.is_some_and(|length| length > self.read) {
            self.pull(plan, events).await?;
        }
        if length.is_none_or(|length| length > self.read) {
            self.pull_uploaded(plan, events).await?;
        }
        let last = self.lines.finish();
        self.deliver(last, events).await
    }

    /// Reads on in blob storage.
    async fn pull_uploaded(&mut self, plan: &Plan, events: &Events) -> Result<(), Halt> {
        let Some(staged) = plan.staged() else { return Ok(()) };
        let blob = staged.names.log(self.file());
        while let Some(bytes) = staged.container.get_range(&blob, self.read, CHUNK).await? {
            self.push(&bytes, events).await?;
        }
        Ok(())
    }

    async fn push(&mut self, bytes: &[u8], events: &Events) -> Result<(), Halt> {
        // What is known ends with a line, so no line lies on both sides.
        let known = self.known.saturating_sub(self.read).min(bytes.len() as u64) as usize;
        let (known, new) = bytes.split_at(known);
        let mut markers = self.take(known);
        if self.read == self.known {
            markers.extend(self.lines.finish());
        }
        markers.retain(|line| is_marker(line));
        self.deliver(markers, events).await?;
        let lines = self.take(new);
        self.deliver(lines, events).await
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        self.read += bytes.len() as u64;
        self.lines.push(bytes)
    }

    async fn deliver(&self, lines: Vec<String>, events: &Events) -> Result<(), Halt> {
        if !lines.is_empty() {
            let offset = self.known.max(self.read - self.lines.pending());
            let to = Position { run: self.run, offset };
            events.send(Event::Log { stream: self.stream, lines, to }).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::channel;

    const KNOWN: &str = "one\nso ::{\"a\":1}::\n";
    const NEW: &str = "two\n::{\"b\":2}::\nthree";

    /// The lines of both parts, which arrive in pieces of `size` bytes, and where the caller is after each event.
    async fn told(size: usize) -> (Vec<String>, Vec<u64>) {
        let (events, mut pull) = channel();
        let known = KNOWN.len() as u64;
        let mut stream = OutputStream::new(Stream::Stdout, TaskRun::default(), known);
        for piece in format!("{KNOWN}{NEW}").as_bytes().chunks(size) {
            stream.push(piece, &events).await.unwrap();
        }
        let last = stream.lines.finish();
        stream.deliver(last, &events).await.unwrap();
        let mut told = (Vec::new(), Vec::new());
        for event in pull.next().await {
            let Event::Log { lines, to, .. } = event else { continue };
            told.0.extend(lines);
            told.1.push(to.offset);
        }
        told
    }

    #[tokio::test]
    async fn of_known_lines_only_the_markers_are_told_however_the_bytes_arrive() {
        for size in 1..=KNOWN.len() + NEW.len() {
            let (lines, offsets) = told(size).await;
            assert_eq!(lines, ["::{\"a\":1}::", "two", "::{\"b\":2}::", "three"], "{size}");
            assert!(offsets.is_sorted() && offsets[0] == KNOWN.len() as u64, "{offsets:?}");
            assert_eq!(offsets.last(), Some(&((KNOWN.len() + NEW.len()) as u64)));
        }
    }
}
