//! What the rows about files have in common.

use std::time::Duration;

use crate::plain::Took;
use crate::table::{Sample, Table};

/// What somebody took to put files, and to get some where there are any to get.
#[derive(Clone, Copy)]
pub(super) struct Moved {
    pub(super) put: Took,
    pub(super) get: Option<Took>,
}

impl Moved {
    pub(super) fn sum(self, of: impl Fn(Took) -> f64) -> f64 {
        of(self.put) + self.get.map_or(0.0, of)
    }
}

/// The rounds that were measured at a round trip, on their way into the table.
pub(super) struct Rows<'a, R> {
    pub(super) table: &'a mut Table,
    pub(super) round_trip: Duration,
    pub(super) rounds: &'a [R],
}

impl<R> Rows<'_, R> {
    /// A row, unless it is about a peer that is not there, or about files that nobody got.
    pub(super) fn add(
        &mut self,
        what: &str,
        over: (&str, &str),
        sample: impl Fn(&R) -> Option<Sample>,
    ) {
        let samples: Option<Vec<_>> = self.rounds.iter().map(sample).collect();
        if let Some(samples) = samples {
            self.table.add(what, self.round_trip, over, &samples);
        }
    }
}
