//! How much of the log the caller has, and of which of the task's runs.

use std::cmp::Ordering;

use azure::batch::Task;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::event::Stream;

/// One of the runs of a task: Batch starts it anew after a retry and after the loss of its node, and its log
/// begins again. Not every such run is counted, so the time of its start is compared too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TaskRun {
    /// Retries and requeues.
    restarts: u32,
    /// Absent until a node has taken it.
    #[serde(with = "time::serde::rfc3339::option")]
    started: Option<OffsetDateTime>,
}

/// How many bytes of each stream the caller has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogPosition {
    pub(crate) run: TaskRun,
    pub(crate) stdout: u64,
    pub(crate) stderr: u64,
}

/// A place in an output stream of one of the task's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamPosition {
    pub(crate) run: TaskRun,
    pub(crate) stream: Stream,
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

impl LogPosition {
    /// The further one of each stream in the later run: what was delivered stays delivered.
    pub(crate) fn merge(self, other: Self) -> Self {
        match self.run.cmp(&other.run) {
            Ordering::Greater => self,
            Ordering::Less => other,
            Ordering::Equal => Self {
                stdout: self.stdout.max(other.stdout),
                stderr: self.stderr.max(other.stderr),
                ..self
            },
        }
    }

    /// The caller got the lines up to here.
    pub(crate) fn advance(&mut self, to: StreamPosition) {
        if self.run != to.run {
            *self = Self { run: to.run, ..Self::default() };
        }
        match to.stream {
            Stream::Stdout => self.stdout = to.offset,
            Stream::Stderr => self.stderr = to.offset,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use time::Duration;

    use super::*;

    fn run(restarts: u32, second: Option<i64>) -> TaskRun {
        let started = second.map(|at| OffsetDateTime::UNIX_EPOCH + Duration::seconds(at));
        TaskRun { restarts, started }
    }

    pub(crate) fn any_position() -> impl Strategy<Value = LogPosition> {
        let started = prop::option::of(0_i64..3);
        (0_u32..3, started, 0_u64..9, 0_u64..9).prop_map(|(restarts, started, stdout, stderr)| {
            LogPosition { run: run(restarts, started), stdout, stderr }
        })
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
        let to = |stream, run, offset| StreamPosition { run, stream, offset };
        let mut delivered = LogPosition::default();
        delivered.advance(to(Stream::Stderr, run(0, Some(1)), 70));
        delivered.advance(to(Stream::Stdout, run(1, Some(2)), 5));
        assert_eq!((delivered.stdout, delivered.stderr), (5, 0));
        assert_eq!(delivered.run, run(1, Some(2)));
    }

    #[test]
    fn of_two_positions_in_the_same_run_each_streams_further_one_counts() {
        let of = |run, stdout, stderr| LogPosition { run, stdout, stderr };
        let (first, second) = (run(0, Some(1)), run(0, Some(2)));
        assert_eq!(of(first, 9, 0).merge(of(first, 5, 3)), of(first, 9, 3));
        assert_eq!(of(second, 9, 0).merge(of(first, 5, 3)), of(second, 9, 0));
        assert_eq!(LogPosition::default().merge(of(first, 5, 3)), of(first, 5, 3));
    }

    proptest! {
        #[test]
        fn the_order_of_merges_does_not_matter(a in any_position(), b in any_position(), c in any_position()) {
            prop_assert_eq!(a.merge(b), b.merge(a));
            prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)));
            prop_assert_eq!(a.merge(a), a);
        }
    }
}
