//! How often a task is looked at.

use std::time::Duration;

/// The shortest pause between two looks, unless completionCheckInterval is shorter.
const SHORTEST: Duration = Duration::from_millis(250);
/// The longest pause while a start is to be expected, so that the first lines of a log are not late.
const LONGEST_AT_START: Duration = Duration::from_secs(1);
/// For how long a start is to be expected soon. Tasks that queue longer are looked at less often.
const START_EXPECTED: Duration = Duration::from_secs(120);
/// Part of the time that a task has run by which its end may be noticed late.
const SHARE: u32 = 20;

/// What a task does, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// It waits for a node, as it did when the run began so long ago.
    Waits(Duration),
    /// It was first seen to run so long ago.
    Runs(Duration),
    /// It was ended.
    Ends,
}

/// The pauses between the looks at a task.
#[derive(Debug)]
pub(crate) struct Pace {
    longest: Duration,
    last: Duration,
}

impl Pace {
    /// No pause is longer than this one.
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, last: Duration::ZERO }
    }

    /// The pause before the next look. While the task waits or ends, each is twice the one before; while it runs, they
    /// grow with the time that it has run.
    pub(crate) fn next(&mut self, phase: Phase) -> Duration {
        let shortest = SHORTEST.min(self.longest);
        let longest = match phase {
            Phase::Waits(elapsed) if elapsed >= START_EXPECTED => self.longest,
            Phase::Waits(_) | Phase::Ends => LONGEST_AT_START.min(self.longest),
            Phase::Runs(elapsed) => (elapsed / SHARE).min(self.longest),
        };
        self.last = (self.last * 2).min(longest).max(shortest);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Duration = Duration::from_secs(5);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// The pauses of a phase that begins now and lasts so long.
    fn pauses(pace: &mut Pace, phase: fn(Duration) -> Phase, lasts: f64) -> Vec<Duration> {
        let mut pauses: Vec<Duration> = Vec::new();
        while pauses.iter().sum::<Duration>() < seconds(lasts) {
            pauses.push(pace.next(phase(pauses.iter().sum())));
        }
        pauses
    }

    #[test]
    fn the_end_of_a_task_is_noticed_in_proportion_to_its_time() {
        for lasts in [1.0, 10.0, 20.0, 60.0, 120.0, 3_600.0] {
            let pauses = pauses(&mut Pace::new(DEFAULT), Phase::Runs, lasts);
            let before_last: Duration = pauses[..pauses.len() - 1].iter().sum();
            let most = (before_last / SHARE).clamp(SHORTEST, DEFAULT);
            assert!(*pauses.last().unwrap() <= most, "{lasts}: {pauses:?}");
        }
        let hour = pauses(&mut Pace::new(DEFAULT), Phase::Runs, 3_600.0);
        assert_eq!(hour.last(), Some(&DEFAULT));
        assert!(hour.len() < 800, "{} looks", hour.len());
    }

    #[test]
    fn a_start_is_looked_for_every_second_for_two_minutes_and_then_less_often() {
        let waiting = pauses(&mut Pace::new(DEFAULT), Phase::Waits, 300.0);
        assert_eq!(waiting[..4], [0.25, 0.5, 1.0, 1.0].map(seconds));
        assert_eq!(waiting.last(), Some(&DEFAULT));
    }

    #[test]
    fn a_task_that_begins_to_run_is_looked_at_soon() {
        let mut pace = Pace::new(DEFAULT);
        pauses(&mut pace, Phase::Waits, 300.0);
        assert_eq!(pace.next(Phase::Runs(Duration::ZERO)), SHORTEST);
    }

    #[test]
    fn an_interval_shorter_than_the_shortest_pause_is_kept() {
        let short = seconds(0.1);
        let mut pace = Pace::new(short);
        for phase in [Phase::Waits(DEFAULT), Phase::Runs(seconds(60.0)), Phase::Ends] {
            assert_eq!(pace.next(phase), short, "{phase:?}");
        }
    }
}
