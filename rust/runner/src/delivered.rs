//! How much of the log the caller has, and of which of the task's runs.

use azure::batch::Task;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::event::{Event, Stream};

/// One of the runs of a task: Batch starts it anew after a retry and after the loss of its node, and its log
/// begins again. Not every such run is counted, so the time of its start is compared too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskRun {
    /// Retries and requeues.
    restarts: u32,
    /// Absent until a node has taken it.
    #[serde(with = "time::serde::rfc3339::option")]
    started: Option<OffsetDateTime>,
}

/// What the caller has of the log: how many bytes of each stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivered {
    pub(crate) run: TaskRun,
    pub(crate) stdout: u64,
    pub(crate) stderr: u64,
}

/// A place in an output stream of one of the task's runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    pub(crate) run: TaskRun,
    /// Bytes from the beginning.
    pub(crate) offset: u64,
}

impl TaskRun {
    /// The run that the task is in, or waits to begin.
    pub(crate) fn of(task: &Task) -> Self {
        task.execution_info.as_ref().map_or_else(Self::default, |info| Self {
            restarts: info.retry_count + info.requeue_count,
            started: info.start_time,
        })
    }

    /// Whether this is a later run than one that was seen before.
    pub(crate) fn follows(self, earlier: Self) -> bool {
        let started_anew =
            self.started.is_some() && earlier.started.is_some() && self.started != earlier.started;
        self.restarts > earlier.restarts || started_anew
    }

    /// The same run with what was known of it: a task that waits again does not show its earlier start.
    pub(crate) fn or(self, earlier: Self) -> Self {
        if self.follows(earlier) {
            self
        } else {
            Self { started: self.started.or(earlier.started), ..self }
        }
    }
}

impl Delivered {
    pub(crate) fn is_nothing(self) -> bool {
        self.stdout == 0 && self.stderr == 0
    }

    /// For a stream of which nothing came, what was there before, if it is of the same run.
    pub(crate) fn or(self, before: Self) -> Self {
        if self.is_nothing() {
            return before;
        }
        if self.run != before.run {
            return self;
        }
        let of = |now: u64, before: u64| if now == 0 { before } else { now };
        Self {
            stdout: of(self.stdout, before.stdout),
            stderr: of(self.stderr, before.stderr),
            ..self
        }
    }

    pub(crate) fn note(&mut self, event: &Event) {
        let Event::Log { stream, to, .. } = event else { return };
        if self.run != to.run {
            *self = Self { run: to.run, ..Self::default() };
        }
        match stream {
            Stream::Stdout => self.stdout = to.offset,
            Stream::Stderr => self.stderr = to.offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn run(restarts: u32, second: Option<i64>) -> TaskRun {
        let started = second.map(|at| OffsetDateTime::UNIX_EPOCH + Duration::seconds(at));
        TaskRun { restarts, started }
    }

    #[test]
    fn a_run_follows_another_by_its_count_or_by_its_start() {
        let first = run(0, Some(1));
        for later in [run(1, Some(2)), run(1, None), run(0, Some(2))] {
            assert!(later.follows(first), "{later:?}");
        }
        for same in [first, run(0, None)] {
            assert!(!same.follows(first), "{same:?}");
        }
        assert!(!first.follows(run(0, None)), "it has begun since");
        assert_eq!(run(0, None).or(first), first);
        assert_eq!(run(1, None).or(first), run(1, None));
    }

    #[test]
    fn what_an_earlier_run_delivered_is_forgotten() {
        let log = |stream, run, offset| Event::Log {
            stream,
            lines: Vec::new(),
            to: Position { run, offset },
        };
        let mut delivered = Delivered::default();
        delivered.note(&log(Stream::Stderr, run(0, Some(1)), 70));
        delivered.note(&log(Stream::Stdout, run(1, Some(2)), 5));
        assert_eq!((delivered.stdout, delivered.stderr), (5, 0));
        assert_eq!(delivered.run, run(1, Some(2)));
    }

    #[test]
    fn what_was_there_before_holds_for_the_same_run_only() {
        let of = |run, stdout, stderr| Delivered { run, stdout, stderr };
        let (first, second) = (run(0, Some(1)), run(0, Some(2)));
        assert_eq!(of(first, 9, 0).or(of(first, 5, 3)), of(first, 9, 3));
        assert_eq!(of(second, 9, 0).or(of(first, 5, 3)), of(second, 9, 0));
        assert_eq!(Delivered::default().or(of(first, 5, 3)), of(first, 5, 3));
    }
}
