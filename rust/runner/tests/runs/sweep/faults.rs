//! One request of a run fails, or two do.

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, stream};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use runner::RetryPolicy;

use super::shape::Shape;
use super::trial::{EAGER, Trial};
use crate::gate::{Fault, Gate, Step};
use crate::support::Lab;

/// Runs at once: each mostly waits.
pub(super) const AT_ONCE: usize = 8;

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// What was wrong with it.
    Failed(String),
    /// It never came to the request in question.
    NotReached,
}

impl Verdict {
    pub(super) fn of(wrong: Vec<String>) -> Self {
        if wrong.is_empty() { Self::Passed } else { Self::Failed(wrong.join("; ")) }
    }
}

/// One run with its faults.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) shape: Shape,
    pub(super) faults: Vec<(Step, Fault)>,
    pub(super) exit_code: i32,
}

impl Cell {
    pub(super) fn new(shape: Shape, step: &Step, fault: Fault, exit_code: i32) -> Self {
        Self { shape, faults: vec![(step.clone(), fault)], exit_code }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, ", self.shape)?;
        for (step, fault) in &self.faults {
            write!(f, "{step}: {fault}, ")?;
        }
        write!(f, "exit code {}", self.exit_code)
    }
}

/// A sample of two faults in one run, the same every time.
pub(super) fn pairs(steps: &[Step], count: usize) -> Vec<Cell> {
    let mut random = StdRng::seed_from_u64(6);
    let mut one =
        || (steps.choose(&mut random).unwrap().clone(), *Fault::ALL.choose(&mut random).unwrap());
    let mut cells: Vec<_> = (0..count)
        .map(|n| Cell { shape: Shape::Whole, faults: vec![one(), one()], exit_code: [0, 3][n % 2] })
        .collect();
    // Two faults of one step would be one.
    cells.retain(|cell| cell.faults[0].0 != cell.faults[1].0);
    cells
}

/// The steps of a run in which nothing fails, in their order.
pub(super) async fn steps(lab: &Lab, shape: Shape) -> Vec<Step> {
    let trial = Trial::new(lab, 0, EAGER);
    let gate = Arc::new(Gate::start().await);
    assert_eq!(shape.run(&trial, &gate).await, [""; 0]);
    shape.steps(&gate)
}

/// All cells, some at once, in their order.
pub(super) async fn run_all(
    lab: &Lab,
    cells: Vec<Cell>,
    retry: RetryPolicy,
) -> Vec<(Cell, Verdict)> {
    let runs = stream::iter(cells).map(async |cell| {
        let verdict = run_one(lab, &cell, retry).await;
        (cell, verdict)
    });
    runs.buffered(AT_ONCE).collect().await
}

async fn run_one(lab: &Lab, cell: &Cell, retry: RetryPolicy) -> Verdict {
    let trial = Trial::new(lab, cell.exit_code, retry);
    let gate = Arc::new(Gate::start().await);
    cell.faults.iter().for_each(|(step, fault)| gate.fail(step, *fault));
    let mut wrong = cell.shape.run(&trial, &gate).await;
    if !gate.is_done() {
        return Verdict::NotReached;
    }
    if wrong.is_empty() {
        wrong = trial.left_behind().await;
    }
    Verdict::of(wrong)
}
