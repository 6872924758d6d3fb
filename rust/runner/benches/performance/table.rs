//! The table: each row a ratio, less is better.

use std::fmt::{self, Display};
use std::process::ExitCode;
use std::time::Duration;

/// By how much a row may be worse than it was.
const TOLERATED: f64 = 1.2;

const HEAD: &str =
    "| what | round trip | over | ratio | least – most | itself |\n|---|---|---|---|---|---|\n";

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    /// What was not measured, and why.
    pub(crate) skipped: Vec<String>,
    /// Groups of rows of which some are missing, since a run failed.
    pub(crate) failed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    what: String,
    round_trip: String,
    over: String,
    ratio: Spread,
    itself: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

/// What was measured, and what it is compared with, in the same run.
pub(crate) type Sample = (f64, f64);

impl Table {
    pub(crate) fn add(
        &mut self,
        what: impl Display,
        round_trip: Duration,
        (unit, over): (&str, &str),
        samples: &[Sample],
    ) {
        let ratios = samples.iter().map(|(itself, other)| itself / other).collect();
        let itself = Spread::of(samples.iter().map(|(itself, _)| *itself).collect()).median;
        self.rows.push(Row {
            what: what.to_string(),
            round_trip: format!("{} ms", round_trip.as_millis()),
            over: over.to_owned(),
            ratio: Spread::of(ratios),
            itself: format!("{} {unit}", short(itself)),
        });
        eprintln!("[bench] {}", self.rows.last().unwrap());
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Reads the rows of a table that was written.
    pub(crate) fn parse(text: &str) -> Vec<Row> {
        text.lines().filter_map(Row::parse).collect()
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        self.skipped.iter().try_for_each(|reason| write!(f, "\nSkipped: {reason}.\n"))?;
        self.failed.iter().try_for_each(|name| write!(f, "\nFailed: {name}.\n"))
    }
}

impl Row {
    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [what, round_trip, over, median, spread, itself] = cells.try_into().ok()?;
        let (least, most) = spread.split_once(" – ")?;
        let [median, least, most] = [median, least, most].map(|number| number.parse().ok());
        Some(Self {
            what: what.to_owned(),
            round_trip: round_trip.to_owned(),
            over: over.to_owned(),
            ratio: Spread { median: median?, least: least?, most: most? },
            itself: itself.to_owned(),
        })
    }

    /// Whether both rows measure the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let key = |row: &Self| (row.what.clone(), row.round_trip.clone(), row.over.clone());
        key(self) == key(other)
    }

    /// Whether it is worse than it was by more than is tolerated, and than anything that was measured then.
    pub(crate) fn is_worse_than(&self, earlier: &Self) -> bool {
        let now = self.ratio.median;
        now > earlier.ratio.median * TOLERATED && now > earlier.ratio.most
    }

    pub(crate) fn against(&self, earlier: &Self) -> String {
        let Self { what, round_trip, over, .. } = self;
        let (now, then) = (short(self.ratio.median), short(earlier.ratio.median));
        format!("{what}, at {round_trip}, over {over}: {now}, it was {then}")
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, round_trip, over, itself, .. } = self;
        let Spread { median, least, most } = self.ratio;
        let [median, least, most] = [median, least, most].map(short);
        write!(f, "| {what} | {round_trip} | {over} | {median} | {least} – {most} | {itself} |")
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let most = values[values.len() - 1];
        Self { median: values[values.len() / 2], least: values[0], most }
    }
}

/// Three digits, more where there are more before the point.
fn short(number: f64) -> String {
    let decimals = match number.abs() {
        n if n >= 100.0 => 0,
        n if n >= 10.0 => 1,
        n if n >= 1.0 => 2,
        _ => 3,
    };
    format!("{number:.decimals$}")
}
