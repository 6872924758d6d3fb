//! What came of many runs, as a table.

use std::fmt::{Display, Write};

use super::faults::Verdict;

/// Rows are steps, columns are what happened to them.
#[derive(Default)]
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<(String, Vec<Count>)>,
}

/// The runs of one cell.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) runs: usize,
    pub(super) passed: usize,
    pub(super) not_reached: usize,
}

impl Count {
    pub(super) fn take(&mut self, verdict: &Verdict) {
        self.runs += 1;
        self.passed += usize::from(*verdict == Verdict::Passed);
        self.not_reached += usize::from(*verdict == Verdict::NotReached);
    }

    fn plus(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            passed: self.passed + other.passed,
            not_reached: self.not_reached + other.not_reached,
        }
    }

    pub(super) fn failed(self) -> usize {
        self.runs - self.passed - self.not_reached
    }

    /// Passed of runs; those that never came to their request are said apart.
    fn text(self) -> String {
        let Self { runs, passed, not_reached } = self;
        match not_reached {
            0 => format!("{passed}/{runs}"),
            _ if not_reached == runs => "n/a".to_owned(),
            _ => format!("{passed}/{} ({not_reached} n/a)", runs - not_reached),
        }
    }
}

impl Table {
    pub(super) fn take(&mut self, row: &impl Display, column: &impl Display, verdict: &Verdict) {
        let (row, column) = (row.to_string(), column.to_string());
        if !self.columns.contains(&column) {
            self.columns.push(column.clone());
        }
        if self.rows.last().is_none_or(|(last, _)| *last != row) {
            self.rows.push((row, Vec::new()));
        }
        let place = self.columns.iter().position(|known| *known == column).unwrap();
        let counts = &mut self.rows.last_mut().unwrap().1;
        counts.resize(counts.len().max(place + 1), Count::default());
        counts[place].take(verdict);
    }

    pub(super) fn total(&self) -> Count {
        self.rows.iter().flat_map(|(_, counts)| counts).copied().fold(Count::default(), Count::plus)
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("| step | {} |\n|---|", self.columns.join(" | "));
        text += &"---|".repeat(self.columns.len());
        for (row, counts) in &self.rows {
            let cells: Vec<_> = counts.iter().map(|count| count.text()).collect();
            write!(text, "\n| {row} | {} |", cells.join(" | ")).unwrap();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_says_how_many_of_its_runs_passed() {
        let mut table = Table::default();
        for (row, column, verdict) in [
            ("a", "x", Verdict::Passed),
            ("a", "x", Verdict::Failed("why".to_owned())),
            ("a", "y", Verdict::NotReached),
            ("b", "x", Verdict::NotReached),
            ("b", "x", Verdict::Passed),
        ] {
            table.take(&row, &column, &verdict);
        }
        let text = table.markdown();
        assert_eq!(text, "| step | x | y |\n|---|---|---|\n| a | 1/2 | n/a |\n| b | 1/1 (1 n/a) |");
        let total = table.total();
        assert_eq!((total.runs, total.passed, total.failed(), total.not_reached), (5, 2, 1, 2));
    }
}
