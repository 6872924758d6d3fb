//! What reads do not see yet: jobs and tasks of a moment ago. Writes see everything.

use std::time::Duration;

use time::OffsetDateTime;

use crate::settings::Consistency;
use crate::store::job::Job;
use crate::store::task::Task;

/// How long a new job or task is not found. A client of Microsoft asks ten times, a second apart.
const NOT_FOUND: Duration = Duration::from_millis(500);
/// How long it is not listed.
const NOT_LISTED: Duration = Duration::from_secs(1);
/// How long a new task is not counted. Counts of Azure were seen two minutes late.
const NOT_COUNTED: Duration = Duration::from_secs(3);

impl Consistency {
    /// Returns whether a job or task is found that was created at this time.
    pub(super) fn finds(self, created: OffsetDateTime) -> bool {
        self.sees(created, NOT_FOUND)
    }

    /// Returns whether lists have a job that was created at this time.
    pub(super) fn lists(self, created: OffsetDateTime) -> bool {
        self.sees(created, NOT_LISTED)
    }

    /// Returns whether lists have a task. The list of a job that is completed since a moment lacks
    /// the tasks that ended last.
    pub(super) fn lists_task(self, task: &Task, job: &Job) -> bool {
        let ended_last = job
            .ended
            .zip(task.execution.ended)
            .is_some_and(|(job, task)| !self.sees(job, NOT_LISTED) && job - task < NOT_LISTED);
        self.lists(task.created) && !ended_last
    }

    /// Returns whether a task is counted that was created at this time.
    pub(super) fn counts(self, created: OffsetDateTime) -> bool {
        self.sees(created, NOT_COUNTED)
    }

    fn sees(self, written: OffsetDateTime, delay: Duration) -> bool {
        self == Consistency::Strong || OffsetDateTime::now_utc() - written >= delay
    }
}
