//! Says how far the transfer of many or large files is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::RunError;
use crate::event::{Detached, EventSender};

/// A transfer that takes no longer is not reported on.
const FIRST_REPORT: Duration = Duration::from_secs(5);

/// The time between two reports doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// How far the transfer of a run's files is, in one direction.
pub(crate) struct Progress {
    /// `Staging`, for example.
    title: &'static str,
    step: &'static str,
    /// Files and bytes, where they are known.
    total: Option<(u64, u64)>,
    files: AtomicU64,
    bytes: AtomicU64,
}

/// How far the transfer of one file is.
pub(crate) struct FileProgress {
    all: Arc<Progress>,
    bytes: AtomicU64,
}

impl Progress {
    pub(crate) fn staging(files: u64, bytes: u64) -> Arc<Self> {
        Self::new("Staging", "files.staging", Some((files, bytes)))
    }

    /// The files are listed while they are downloaded, so nobody knows how many there will be.
    pub(crate) fn collecting() -> Arc<Self> {
        Self::new("Collecting", "files.collecting", None)
    }

    fn new(title: &'static str, step: &'static str, total: Option<(u64, u64)>) -> Arc<Self> {
        Arc::new(Self { title, step, total, files: AtomicU64::new(0), bytes: AtomicU64::new(0) })
    }

    /// Transferred so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn file(self: &Arc<Self>) -> Arc<FileProgress> {
        Arc::new(FileProgress { all: Arc::clone(self), bytes: AtomicU64::new(0) })
    }

    /// Runs a transfer to its end, and reports on it meanwhile.
    pub(crate) async fn report_during<T>(
        &self,
        events: &EventSender,
        transfer: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        tokio::select! {
            biased;
            done = transfer => done,
            detached = self.report(events) => Err(detached.into()),
        }
    }

    /// Reports at growing intervals, until the caller has gone.
    async fn report(&self, events: &EventSender) -> Detached {
        let start = Instant::now();
        let (mut bytes_before, mut time_before) = (0, start);
        loop {
            sleep(start.elapsed().clamp(FIRST_REPORT, LONGEST_PAUSE)).await;
            let (bytes, now) = (self.bytes.load(Relaxed), Instant::now());
            let rate = (bytes - bytes_before) as f64 / (now - time_before).as_secs_f64();
            if let Err(detached) = events.progress(self.step, self.text(bytes, rate)).await {
                return detached;
            }
            (bytes_before, time_before) = (bytes, now);
        }
    }

    /// `rate` is in bytes per second.
    fn text(&self, bytes: u64, rate: f64) -> String {
        let (title, files) = (self.title, thousands(self.files.load(Relaxed)));
        let rate = in_units(rate);
        match self.total {
            Some((all_files, all_bytes)) => {
                let all_files = thousands(all_files);
                let (divisor, unit) = unit_of(all_bytes as f64);
                let done = in_unit(bytes as f64, divisor);
                let all = in_unit(all_bytes as f64, divisor);
                format!("{title}: {files} of {all_files} files, {done} of {all} {unit}, {rate}/s")
            }
            None => format!("{title}: {files} files, {}, {rate}/s", in_units(bytes as f64)),
        }
    }
}

impl FileProgress {
    /// So many bytes more have been transferred. Several parts of a file travel at once, so no position says it.
    pub(crate) fn advance(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
        self.all.bytes.fetch_add(bytes, Relaxed);
    }

    /// The whole file of so many bytes has been transferred.
    pub(crate) fn done(&self, size: u64) {
        // The bytes of a small file are not told before.
        self.advance(size.saturating_sub(self.bytes.load(Relaxed)));
        self.all.files.fetch_add(1, Relaxed);
    }
}

/// `1204` as `1,204`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let mut text = digits[..first].to_owned();
    for group in digits.as_bytes()[first..].chunks(3) {
        text.push(',');
        text.extend(group.iter().map(|digit| char::from(*digit)));
    }
    text
}

/// What bytes are divided by to be readable, and the name of the unit.
fn unit_of(bytes: f64) -> (f64, &'static str) {
    let larger =
        UNITS[1..].iter().enumerate().map(|(n, unit)| (1024_f64.powi(n as i32 + 1), *unit));
    larger.take_while(|(divisor, _)| bytes >= *divisor).last().unwrap_or((1.0, UNITS[0]))
}

fn in_unit(bytes: f64, divisor: f64) -> String {
    let decimals = usize::from(divisor > 1.0);
    format!("{:.decimals$}", bytes / divisor)
}

fn in_units(bytes: f64) -> String {
    let (divisor, unit) = unit_of(bytes);
    format!("{} {unit}", in_unit(bytes, divisor))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::timeout;

    use super::*;
    use crate::event::{Event, channel};

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_is_known_is_told_in_readable_units() {
        let staging = Progress::staging(10_000, 41_000_000);
        staging.files.store(1204, Relaxed);
        let text = staging.text(4_928_307, 1_258_291.2);
        assert_eq!(text, "Staging: 1,204 of 10,000 files, 4.7 of 39.1 MiB, 1.2 MiB/s");
        assert_eq!(
            Progress::staging(1, 512).text(0, 0.0),
            "Staging: 0 of 1 files, 0 of 512 B, 0 B/s"
        );
        let collecting = Progress::collecting();
        collecting.files.store(1_234_567, Relaxed);
        let text = collecting.text(5 << 30, 80.5 * 1024.0);
        assert_eq!(text, "Collecting: 1,234,567 files, 5.0 GiB, 80.5 KiB/s");
    }

    #[test]
    fn a_file_counts_as_its_bytes_come_and_one_that_is_done_as_a_whole() {
        let progress = Progress::staging(2, 24 * MIB);
        progress.file().done(16 * MIB);
        let other = progress.file();
        other.advance(5 * MIB);
        other.advance(3 * MIB);
        other.done(8 * MIB);
        let done = (progress.files.load(Relaxed), progress.bytes.load(Relaxed));
        assert_eq!(done, (2, 24 * MIB));
    }

    /// The seconds at which a transfer that takes so long is reported on.
    async fn reports_during(seconds: u64) -> Vec<u64> {
        let (events, mut pull) = channel();
        let (progress, start) = (Progress::collecting(), Instant::now());
        let transfer = progress.report_during(&events, pending::<Result<(), _>>());
        let pulled = async {
            let mut at = Vec::new();
            while let Some(Event::Progress { step, .. }) = pull.next_one().await {
                assert_eq!(step, "files.collecting");
                at.push(start.elapsed().as_secs());
                if start.elapsed() >= Duration::from_secs(seconds) {
                    break;
                }
            }
            at
        };
        tokio::select! {
            _ = transfer => unreachable!("it never ends"),
            at = pulled => at,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reports_come_at_growing_intervals() {
        assert_eq!(
            reports_during(1_500).await,
            [5, 10, 20, 40, 80, 160, 320, 620, 920, 1220, 1520]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_that_since_the_last_report() {
        let (events, mut pull) = channel();
        let progress = Progress::staging(1, 100 * MIB);
        let transfer = async {
            let file = progress.file();
            file.advance(50 * MIB);
            tokio::time::sleep(Duration::from_secs(7)).await;
            file.advance(5 * MIB);
            tokio::time::sleep(Duration::from_secs(4)).await;
            Ok(())
        };
        progress.report_during(&events, transfer).await.unwrap();
        drop(events);
        for text in ["50.0 of 100.0 MiB, 10.0 MiB/s", "55.0 of 100.0 MiB, 1.0 MiB/s"] {
            let Some(Event::Progress { message, .. }) = pull.next_one().await else { panic!() };
            assert_eq!(message, format!("Staging: 0 of 1 files, {text}"));
        }
        assert_eq!(pull.next_one().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_transfer_is_not_reported_on() {
        let (events, mut pull) = channel();
        let transfer = async {
            tokio::time::sleep(Duration::from_millis(4_900)).await;
            Ok(7)
        };
        assert_eq!(Progress::collecting().report_during(&events, transfer).await.unwrap(), 7);
        drop(events);
        assert_eq!(pull.next_one().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transfer_does_not_wait_for_a_caller_that_pulls_slowly() {
        let (events, _pull) = channel();
        let line = Event::Progress { step: String::new(), message: "x".repeat(1024) };
        while timeout(Duration::ZERO, events.send(line.clone())).await.is_ok() {}
        let transfer = async {
            tokio::time::sleep(Duration::from_secs(100)).await;
            Ok(())
        };
        Progress::collecting().report_during(&events, transfer).await.unwrap();
    }
}
