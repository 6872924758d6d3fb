//! How often a task and its log are looked at.

use std::time::Duration;

use tokio::time::Instant;

use crate::event::Stream;

/// The shortest pause between two looks, unless completionCheckInterval is shorter.
const SHORTEST: Duration = Duration::from_millis(250);
/// The longest pause while a start is to be expected, so that the first lines of a log are not late.
const LONGEST_AT_START: Duration = Duration::from_secs(1);
/// For how long a start is to be expected soon. Tasks that queue longer are looked at less often.
const START_EXPECTED: Duration = Duration::from_secs(120);
/// Part of the time that a task has run by which its end may be noticed late.
const SHARE: u32 = 20;

/// The pause between two reads of an output stream that lives, and of one that is silent.
const LOG: Duration = Duration::from_millis(500);
const SILENT_LOG: Duration = Duration::from_millis(1500);
/// How long a stream lives on after it grew: a line a second must not be late by turns.
const LIVES: Duration = Duration::from_secs(3);
/// How long a stream is new.
const NEW: Duration = Duration::from_secs(30);

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

/// When an output stream is to be read.
#[derive(Debug)]
pub(crate) struct LogPace {
    since: Instant,
    due: Instant,
    grew: Option<Instant>,
}

impl LogPace {
    /// It is to be read at once.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { since: now, due: now, grew: None }
    }

    /// One of a task that was just seen to run, and has hardly a line yet. Its streams are read by turns, so that it is
    /// soon seen whether there is any.
    pub(crate) fn of_new(stream: Stream) -> Self {
        let first = match stream {
            Stream::Stdout => LOG,
            Stream::Stderr => 2 * LOG,
        };
        let now = Instant::now();
        Self { since: now, due: now + first, grew: None }
    }

    /// When it is to be read next.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// It was read now.
    pub(crate) fn was_read(&mut self, grew: bool) {
        let now = Instant::now();
        self.grew = if grew { Some(now) } else { self.grew };
        self.due = now + if self.lives() { LOG } else { SILENT_LOG };
    }

    /// The read has brought only a part of what there is.
    pub(crate) fn read_on(&mut self) {
        self.due = Instant::now();
    }

    /// Whether it goes before others where not all can be read as often as they should: it grew a moment ago, or is new.
    pub(crate) fn goes_first(&self) -> bool {
        self.lives() || self.since.elapsed() < NEW
    }

    fn lives(&self) -> bool {
        self.grew.is_some_and(|grew| grew.elapsed() < LIVES)
    }

    /// It is read again after so long at the earliest.
    pub(crate) fn hold(&mut self, pause: Duration) {
        self.due = self.due.max(Instant::now() + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, sleep_until};

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

    /// How late the lines of a stream are read that grows at these seconds, and how often it is read in all.
    async fn reads(mut pace: LogPace, lines: &[f64], lasts: f64) -> (Vec<f64>, usize) {
        let start = Instant::now();
        let (mut late, mut reads) = (Vec::new(), 0);
        while pace.due() < start + seconds(lasts) {
            sleep_until(pace.due()).await;
            let now = start.elapsed().as_secs_f64();
            let new: Vec<_> = lines[late.len()..].iter().filter(|line| **line <= now).collect();
            late.extend(new.iter().map(|line| now - **line));
            pace.was_read(!new.is_empty());
            reads += 1;
        }
        (late, reads)
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_a_second_is_never_late_by_more_than_half_a_second() {
        let lines: Vec<f64> = (0..20).map(|line| 1.3 + f64::from(line)).collect();
        let (late, _) = reads(LogPace::new(), &lines, 22.0).await;
        assert_eq!(late.len(), lines.len());
        assert!(late[1..].iter().all(|late| *late <= 0.51), "{late:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_is_seldom_read_also_after_it_grew() {
        advance(seconds(1.0)).await;
        assert_eq!(reads(LogPace::new(), &[], 9.0).await.1, 6);
        let (_, count) = reads(LogPace::new(), &[0.5], 63.5).await;
        assert!(count < 50, "{count} reads");
    }

    #[tokio::test(start_paused = true)]
    async fn the_streams_of_a_silent_task_of_two_seconds_are_read_by_turns() {
        let streams = [Stream::Stdout, Stream::Stderr].map(LogPace::of_new);
        let [stdout, stderr] = streams.map(|pace| reads(pace, &[], 2.0));
        let (stdout, stderr) = tokio::join!(stdout, stderr);
        assert_eq!((stdout.1, stderr.1), (1, 1));
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
