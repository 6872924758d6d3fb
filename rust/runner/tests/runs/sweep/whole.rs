//! `make sweep`: every request of the run fails in every way, and every step dies. The tables go to docs/sweep.md.

use std::fmt::{Display, Write};

use time::OffsetDateTime;
use tokio::time::Instant;

use super::deaths::{Death, Stop, stop_all};
use super::faults::{Cell, Verdict, pairs, run_all, steps};
use super::shape::Shape;
use super::table::{Count, Table};
use super::trial::EAGER;
use super::{failed, lab};
use crate::gate::{Fault, Step};
use crate::support::Lab;

/// Runs with two faults.
const PAIRS: usize = 60;

/// Steps between two lines of progress.
const ROWS_AT_ONCE: usize = 8;

/// Of a hundred runs so many may never come to their request.
const NOT_REACHED_PERCENT: usize = 5;

const INTRODUCTION: &str = include_str!("introduction.md");

/// What is written down, and what must not be in it.
#[derive(Default)]
struct Findings {
    text: String,
    total: Count,
    failed: Vec<String>,
    not_reached: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ten minutes: make sweep"]
async fn the_whole_sweep_fails_in_no_cell() {
    let file = std::env::var_os("SWEEP_TABLE").expect("make sweep says where the tables go");
    let (lab, start) = (lab().await, Instant::now());
    let mut findings = Findings::default();
    for shape in Shape::ALL {
        let steps = steps(&lab, shape).await;
        findings.take_faults(&lab, shape, &steps).await;
    }
    let steps = steps(&lab, Shape::Whole).await;
    findings.take_pairs(&lab, &steps).await;
    findings.take_deaths(&lab, &steps).await;
    let text = findings.report(start.elapsed().as_secs().div_ceil(60));
    println!("{text}");
    std::fs::write(file, text).unwrap();
    assert_eq!(findings.failed, [""; 0]);
    assert!(findings.not_reached.len() * 100 <= findings.total.runs * NOT_REACHED_PERCENT);
}

impl Findings {
    async fn take_faults(&mut self, lab: &Lab, shape: Shape, steps: &[Step]) {
        let mut table = Table::default();
        for some in steps.chunks(ROWS_AT_ONCE) {
            let cells: Vec<_> = some.iter().flat_map(|step| row(shape, step)).collect();
            println!("{shape:?}, {} to {}: {} runs", some[0], some[some.len() - 1], cells.len());
            let verdicts = run_all(lab, cells, EAGER).await;
            for (cell, verdict) in &verdicts {
                let (step, fault) = &cell.faults[0];
                table.take(step, fault, verdict);
            }
            self.take(verdicts);
        }
        self.write(title(shape), &table.markdown());
    }

    async fn take_pairs(&mut self, lab: &Lab, steps: &[Step]) {
        let verdicts = run_all(lab, pairs(steps, PAIRS), EAGER).await;
        let mut count = Count::default();
        verdicts.iter().for_each(|(_, verdict)| count.take(verdict));
        let Count { runs, passed, not_reached } = count;
        let text = format!(
            "A sample of {runs} pairs of the cells above, the same every time: {passed} passed, {not_reached} n/a."
        );
        self.take(verdicts);
        self.write("Two requests fail", &text);
    }

    async fn take_deaths(&mut self, lab: &Lab, steps: &[Step]) {
        let mut table = Table::default();
        for some in steps.chunks(ROWS_AT_ONCE) {
            let stops = some
                .iter()
                .flat_map(|step| Death::ALL.map(|death| Stop { step: step.clone(), death }));
            println!("{} to {}: workers that stop", some[0], some[some.len() - 1]);
            let verdicts = stop_all(lab, stops.collect()).await;
            for (stop, verdict) in &verdicts {
                table.take(&stop.step, &stop.death, verdict);
            }
            self.take(verdicts);
        }
        self.write("The worker stops", &table.markdown());
    }

    fn take<C: Display>(&mut self, verdicts: Vec<(C, Verdict)>) {
        for (cell, verdict) in &verdicts {
            self.total.take(verdict);
            if *verdict == Verdict::NotReached {
                self.not_reached.push(cell.to_string());
            }
        }
        self.failed.extend(failed(verdicts));
    }

    fn write(&mut self, title: &str, text: &str) {
        write!(self.text, "\n## {title}\n\n{text}\n").unwrap();
    }

    fn report(&self, minutes: u64) -> String {
        let date = OffsetDateTime::now_utc().date();
        let Count { runs, passed, not_reached } = self.total;
        let failed = self.total.failed();
        let list = |cells: &[String]| match cells {
            [] => "None.".to_owned(),
            cells => cells.iter().map(|cell| format!("- {cell}")).collect::<Vec<_>>().join("\n"),
        };
        format!(
            "{INTRODUCTION}\n`make sweep`, {date}, {minutes} minutes: {runs} runs, {passed} passed, {failed} failed, \
             {not_reached} n/a.\n{}\n## Failed\n\n{}\n\n## Not reached (n/a)\n\nHow often the run asks for the state and \
             the logs depends on when it looks. In these it had no such request:\n\n{}\n",
            self.text,
            list(&self.failed),
            list(&self.not_reached),
        )
    }
}

fn title(shape: Shape) -> &'static str {
    match shape {
        Shape::Whole => "One request fails",
        Shape::TakesOver => "One request fails of a worker that takes over",
        Shape::Killed => "One request fails after a kill",
    }
}

/// All faults of one step.
fn row(shape: Shape, step: &Step) -> Vec<Cell> {
    let cells = Fault::ALL.iter().enumerate();
    cells.map(|(n, fault)| Cell::new(shape, step, *fault, [0, 3][(n + step.ordinal) % 2])).collect()
}
