//! What tasks have used.

use std::iter::Sum;
use std::ops::AddAssign;
use std::time::Duration;

use time::OffsetDateTime;

use super::task::{Task, TaskResult};

/// What the processes of a run use, as the kernel counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) user: Duration,
    pub(crate) kernel: Duration,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) bytes_read: u64,
    pub(crate) bytes_written: u64,
}

/// What all runs of a task used.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) usage: Usage,
    pub(crate) wall_clock: Duration,
}

/// The statistics of tasks.
#[derive(Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) spent: Spent,
    pub(crate) wait: Duration,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) retries: u64,
}

impl Usage {
    /// Returns the higher value of each, as a process that is gone is not counted any more.
    pub(crate) fn max(self, other: Usage) -> Usage {
        Usage {
            user: self.user.max(other.user),
            kernel: self.kernel.max(other.kernel),
            reads: self.reads.max(other.reads),
            writes: self.writes.max(other.writes),
            bytes_read: self.bytes_read.max(other.bytes_read),
            bytes_written: self.bytes_written.max(other.bytes_written),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.user += other.user;
        self.kernel += other.kernel;
        self.reads += other.reads;
        self.writes += other.writes;
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Spent) {
        self.usage += other.usage;
        self.wall_clock += other.wall_clock;
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Totals) {
        self.spent += other.spent;
        self.wait += other.wait;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.retries += other.retries;
    }
}

impl Sum for Totals {
    fn sum<I: Iterator<Item = Totals>>(all: I) -> Totals {
        all.fold(Totals::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

impl Totals {
    /// Returns the statistics of a task now.
    pub(crate) fn of(task: &Task) -> Totals {
        let (now, result) = (OffsetDateTime::now_utc(), task.result());
        let waited_until = task.execution.started.or(task.execution.ended).unwrap_or(now);
        Totals {
            spent: task.spent(now),
            wait: since(task.created, waited_until),
            succeeded: u64::from(result == Some(TaskResult::Success)),
            failed: u64::from(result == Some(TaskResult::Failure)),
            retries: task.execution.retries.into(),
        }
    }
}

/// Returns the time from one to another.
pub(super) fn since(start: OffsetDateTime, end: OffsetDateTime) -> Duration {
    Duration::try_from(end - start).unwrap_or_default()
}
