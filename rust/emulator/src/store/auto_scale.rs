//! What a pool remembers of its automatic scaling.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

/// How often the service takes a sample of each pool.
pub(crate) const SAMPLE_PERIOD: Duration = Duration::from_secs(30);
/// The most samples of a pool: those of a day.
pub(crate) const MAX_SAMPLES: usize = 2_880;

/// What is measured of a pool at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measures {
    /// Active tasks whose dependencies are satisfied.
    pub(crate) active_tasks: usize,
    pub(crate) running_tasks: usize,
    pub(crate) succeeded_tasks: usize,
    pub(crate) failed_tasks: usize,
    pub(crate) dedicated_nodes: usize,
    /// Including preempted ones.
    pub(crate) low_priority_nodes: usize,
    pub(crate) preempted_nodes: usize,
    pub(crate) usable_nodes: usize,
}

/// The automatic scaling of a pool. Samples are taken whether or not it is enabled.
#[derive(Clone, Default)]
pub(crate) struct AutoScale {
    /// The last evaluation of the formula.
    pub(crate) run: Option<AutoScaleRun>,
    /// When the formula is evaluated next.
    pub(crate) next: Option<Instant>,
    /// When it was last enabled.
    pub(crate) enabled: Option<Instant>,
    /// The latest first. Shared, because a pool is copied to be shown.
    samples: Arc<VecDeque<(Instant, Measures)>>,
}

/// An evaluation of a formula.
#[derive(Clone)]
pub(crate) struct AutoScaleRun {
    pub(crate) at: OffsetDateTime,
    /// The final values of all variables.
    pub(crate) results: String,
    pub(crate) error: Option<AutoScaleError>,
}

/// Why a formula could not be evaluated.
#[derive(Clone, Debug)]
pub(crate) struct AutoScaleError {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
    /// What is wrong, and where.
    pub(crate) detail: String,
}

impl AutoScale {
    /// Adds a sample.
    pub(crate) fn add(&mut self, measures: Measures) {
        let samples = Arc::make_mut(&mut self.samples);
        samples.truncate(MAX_SAMPLES - 1);
        samples.push_front((Instant::now(), measures));
    }

    /// Returns the samples, the latest first.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &(Instant, Measures)> {
        self.samples.iter()
    }
}
