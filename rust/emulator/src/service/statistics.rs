//! Statistics: what tasks have used, rolled up.

use time::OffsetDateTime;

use super::Service;
use crate::store::job::{Job, JobEntry};
use crate::store::schedule::JobSchedule;
use crate::store::statistics::Totals;
use crate::store::task::Task;

/// What was used in a time.
pub(crate) struct Statistics {
    pub(crate) since: OffsetDateTime,
    pub(crate) until: OffsetDateTime,
    pub(crate) totals: Totals,
}

impl Service {
    /// Returns the statistics of a task, if they were rolled up already.
    pub(crate) fn task_statistics(&self, task: &Task) -> Option<Statistics> {
        let until = self.rolled_up_until();
        self.is_rolled_up(task, until).then(|| Statistics {
            since: task.created,
            until,
            totals: Totals::of(task),
        })
    }

    /// Returns the statistics of a job, if they were rolled up already.
    pub(crate) fn job_statistics(&self, job: &Job) -> Option<Statistics> {
        let store = self.store();
        let entry = store.job(&job.spec.id).ok()?;
        self.statistics(job.created, |until| self.totals(entry, until))
    }

    /// Returns the statistics of a job schedule, if they were rolled up already.
    pub(crate) fn job_schedule_statistics(&self, schedule: &JobSchedule) -> Option<Statistics> {
        let store = self.store();
        self.statistics(schedule.created, |until| {
            let mut totals = schedule.removed;
            totals += store.jobs_of(&schedule.id).map(|entry| self.totals(entry, until)).sum();
            totals
        })
    }

    fn statistics(
        &self,
        since: OffsetDateTime,
        totals: impl FnOnce(OffsetDateTime) -> Totals,
    ) -> Option<Statistics> {
        let until = self.rolled_up_until();
        (since <= until).then(|| Statistics { since, until, totals: totals(until) })
    }

    /// Returns the time up to which statistics are complete.
    fn rolled_up_until(&self) -> OffsetDateTime {
        let delay = time::Duration::try_from(self.stats_delay).unwrap_or(time::Duration::MAX);
        OffsetDateTime::now_utc().checked_sub(delay).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn totals(&self, entry: &JobEntry, until: OffsetDateTime) -> Totals {
        let tasks = entry.tasks.iter().filter(|task| self.is_rolled_up(task, until));
        let mut totals = entry.removed;
        totals += tasks.map(Totals::of).sum();
        totals
    }

    /// A task that has not ended counts only if statistics come at once.
    fn is_rolled_up(&self, task: &Task, until: OffsetDateTime) -> bool {
        task.execution.ended.map_or(self.stats_delay.is_zero(), |ended| ended <= until)
    }
}
