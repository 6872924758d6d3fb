//! The times at which a job schedule creates its jobs.

use std::time::Duration;

use time::OffsetDateTime;

use crate::wire::duration;
use crate::wire::schedule::Schedule;

/// A schedule as numbers; times are nanoseconds since 1970.
pub(super) struct Recurrence {
    /// The time of the first job.
    first: i128,
    /// No job is created at or after this time.
    deadline: Option<i128>,
    /// How late a job may be created.
    window: Option<i128>,
    /// Between two jobs; `None` if there is only one job.
    interval: Option<i128>,
}

impl Recurrence {
    /// Returns the times of a schedule that was created at a time.
    pub(super) fn of(schedule: &Schedule, created: OffsetDateTime) -> Recurrence {
        let time = |at: OffsetDateTime| at.unix_timestamp_nanos();
        let length = |text: &Option<String>| text.as_deref().and_then(duration::parse).map(nanos);
        let until = schedule.do_not_run_until.map_or(created, |until| until.0.max(created));
        Recurrence {
            first: time(until),
            deadline: schedule.do_not_run_after.map(|after| time(after.0)),
            window: length(&schedule.start_window),
            // A zero would mean infinitely many jobs.
            interval: length(&schedule.recurrence_interval).map(|interval| interval.max(1)),
        }
    }

    /// Returns the time of the next job after the last one, which may have come already. A time
    /// is lost when its window or the interval has passed.
    pub(super) fn next(
        &self,
        last: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        let now = now.unix_timestamp_nanos();
        let due = match last {
            None => self.first,
            Some(last) => (last.unix_timestamp_nanos() + self.interval?).max(self.first),
        };
        let open = self.not_lost(due, now)?;
        let open =
            Some(open).filter(|open| self.deadline.is_none_or(|end| *open.max(&now) < end))?;
        OffsetDateTime::from_unix_timestamp_nanos(open).ok()
    }

    /// Returns the first time that is not lost.
    fn not_lost(&self, due: i128, now: i128) -> Option<i128> {
        let is_open = |due: i128| self.window.is_none_or(|window| now - due <= window);
        let Some(interval) = self.interval else { return Some(due).filter(|due| is_open(*due)) };
        let current = due + (now - due).max(0) / interval * interval;
        Some(if is_open(current) { current } else { current + interval })
    }

    /// Returns whether no job will be created any more.
    pub(super) fn is_over(&self, last: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
        let is_past = |end: i128| end <= now.unix_timestamp_nanos();
        // A recurring schedule stays active until its deadline.
        self.next(last, now).is_none()
            && (self.interval.is_none() || self.deadline.is_none_or(is_past))
    }
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::from(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;

    const CREATED: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

    fn at(minute: i64) -> OffsetDateTime {
        CREATED + time::Duration::minutes(minute)
    }

    fn recurrence(schedule: Value) -> Recurrence {
        Recurrence::of(&serde_json::from_value(schedule).unwrap(), CREATED)
    }

    fn every_ten(extra: Value) -> Recurrence {
        let mut schedule = json!({"recurrenceInterval": "PT10M"});
        schedule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        recurrence(schedule)
    }

    #[test]
    fn without_recurrence_there_is_one_job() {
        let once = recurrence(json!({}));
        assert_eq!(once.next(None, at(0)), Some(at(0)));
        assert_eq!(once.next(Some(at(0)), at(1)), None);
        assert!(!once.is_over(None, at(0)) && once.is_over(Some(at(0)), at(1)));
    }

    #[test]
    fn a_job_follows_the_last_one_by_the_interval() {
        let times = every_ten(json!({}));
        assert_eq!(times.next(Some(at(0)), at(3)), Some(at(10)));
        assert_eq!(times.next(Some(at(0)), at(13)), Some(at(10)));
        assert_eq!(times.next(Some(at(0)), at(27)), Some(at(20)));
        assert!(!times.is_over(Some(at(0)), at(1000)));
    }

    #[test]
    fn a_time_is_lost_with_its_window() {
        let times = every_ten(json!({"startWindow": "PT2M"}));
        assert_eq!(times.next(Some(at(0)), at(12)), Some(at(10)));
        assert_eq!(times.next(Some(at(0)), at(13)), Some(at(20)));
        let once = recurrence(json!({"startWindow": "PT2M"}));
        assert_eq!(once.next(None, at(2)), Some(at(0)));
        assert_eq!(once.next(None, at(3)), None);
    }

    #[test]
    fn no_job_is_created_too_early_or_too_late() {
        let limits = json!({
            "doNotRunUntil": "2026-01-01T00:05:00Z",
            "doNotRunAfter": "2026-01-01T00:25:00Z",
        });
        let times = every_ten(limits);
        assert_eq!(times.next(None, at(0)), Some(at(5)));
        assert_eq!(times.next(Some(at(5)), at(6)), Some(at(15)));
        assert_eq!(times.next(Some(at(15)), at(16)), None);
        assert_eq!(times.next(Some(at(5)), at(25)), None);
        assert!(!times.is_over(Some(at(15)), at(16)));
        assert!(times.is_over(Some(at(15)), at(25)));
    }

    proptest! {
        #[test]
        fn the_next_time_is_on_the_grid_and_not_lost(
            interval in 1..100_i64,
            window in prop::option::of(0..200_i64),
            now in 0..5_000_i64,
        ) {
            let mut schedule = json!({"recurrenceInterval": format!("PT{interval}M")});
            if let Some(window) = window {
                schedule["startWindow"] = json!(format!("PT{window}M"));
            }
            let next = (recurrence(schedule).next(None, at(now)).unwrap() - CREATED).whole_minutes();
            prop_assert_eq!(next % interval, 0);
            prop_assert!(next - now <= interval);
            prop_assert!(now - next < interval && now - next <= window.unwrap_or(i64::MAX));
        }
    }
}
