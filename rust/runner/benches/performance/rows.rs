//! What is measured.

mod crowd;
mod large;
mod moved;
mod requests;
mod small;
mod tasks;

use std::env;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::bench::Peers;
use crate::table::Table;

/// Each row is the median of so many; `BENCH_ROUNDS` says another number, to try a row.
pub(crate) fn round_count() -> usize {
    env::var("BENCH_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap())
}

/// Groups of rows, in the order of the table.
pub(crate) const NAMES: [&str; 8] =
    ["tasks", "small", "many", "large", "several", "requests", "crowds", "throttled"];

/// How much is measured.
pub(crate) struct Form {
    pub(crate) with_peers: bool,
    round_trips: &'static [Duration],
    tasks: tasks::Lengths,
    small: small::Shape,
    /// This and several, which takes as long, at one round trip.
    many: Option<small::Shape>,
    large: large::Shape,
    /// Far away others take minutes for it.
    large_at: &'static [Duration],
    several: Option<large::Shape>,
    crowds: &'static [usize],
    /// Runs at once, and the requests a second that Batch takes.
    throttled: Option<(usize, NonZeroU32)>,
}

const NEAR: Duration = Duration::ZERO;
const USUAL: Duration = Duration::from_millis(25);
const FAR: Duration = Duration::from_millis(100);

impl Form {
    pub(crate) fn long() -> Self {
        Self {
            with_peers: true,
            round_trips: &[NEAR, USUAL, FAR],
            tasks: tasks::Lengths { one_by_one: &[0, 2], at_once: &[20, 120] },
            small: small::Shape { files: 1_000, outputs: 100, by_others: 200, in_store: true },
            many: Some(small::Shape { files: 10_000, outputs: 0, by_others: 200, in_store: true }),
            large: large::Shape { files: 1, size: 1 << 30, comes_back: true },
            large_at: &[NEAR, USUAL],
            several: Some(large::Shape { files: 20, size: 100_000_000, comes_back: false }),
            crowds: &[100, 500],
            throttled: NonZeroU32::new(50).map(|limit| (200, limit)),
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            with_peers: false,
            round_trips: &[USUAL],
            tasks: tasks::Lengths { one_by_one: &[2], at_once: &[10] },
            small: small::Shape { files: 300, outputs: 50, by_others: 60, in_store: false },
            many: None,
            large: large::Shape { files: 1, size: 128 << 20, comes_back: true },
            large_at: &[USUAL],
            several: None,
            crowds: &[50],
            throttled: None,
        }
    }
}

/// Measures a group of rows.
pub(crate) async fn measure(name: &str, form: &Form, peers: &Peers, table: &mut Table) {
    match name {
        "tasks" => tasks::measure(&form.tasks, form.round_trips, table).await,
        "small" => small::measure(&form.small, form.round_trips, peers, table).await,
        "many" => {
            if let Some(many) = &form.many {
                small::measure(many, &[USUAL], peers, table).await;
            }
        }
        "large" => large::measure(&form.large, form.large_at, peers, table).await,
        "several" => {
            if let Some(several) = &form.several {
                large::measure(several, &[USUAL], peers, table).await;
            }
        }
        "requests" => requests::measure(table).await,
        "crowds" => crowd::measure(form.crowds, table).await,
        "throttled" => {
            if let Some((count, limit)) = form.throttled {
                crowd::measure_throttled(count, limit, table).await;
            }
        }
        _ => panic!("there is no group '{name}' of {NAMES:?}"),
    }
}
