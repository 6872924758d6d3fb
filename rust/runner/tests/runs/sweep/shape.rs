//! What a worker does whose requests fail.

use std::sync::Arc;

use runner::Status;

use super::judge::{Lines, Told, secrets_told, wrong};
use super::trial::{Trial, Worker};
use crate::gate::{Gate, Step};

/// How often a request of these kinds is made depends on when one looks; so many there are at least.
const POLLS: [(&str, usize); 4] =
    [("get task", 3), ("get stdout.txt", 1), ("get stderr.txt", 1), ("get job", 1)];

/// The middle of a run: both of its streams were read.
const MIDDLE: &str = "get stderr.txt";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It sees the run through.
    Whole,
    /// It goes on where another worker died in the middle.
    TakesOver,
    /// It is told to kill the run in the middle.
    Killed,
}

impl Shape {
    pub(super) const ALL: [Self; 3] = [Self::Whole, Self::TakesOver, Self::Killed];

    /// What is wrong with a run whose worker makes its requests through the gate.
    pub(super) async fn run(self, trial: &Trial<'_>, gate: &Arc<Gate>) -> Vec<String> {
        match self {
            Self::Whole => {
                let told = trial.ended(trial.worker(gate, 0)).await;
                wrong(&[&told], trial.exit_code, Lines::GoOn)
            }
            Self::TakesOver => {
                let first = dead_in_the_middle(trial).await;
                let second = trial.ended(trial.worker(gate, 1)).await;
                wrong(&[&first, &second], trial.exit_code, Lines::Overlap)
            }
            Self::Killed => {
                let worker = trial.worker(gate, 0);
                // Before the stream is there, the task may not have begun: then it leaves no log to remove.
                gate.until(|gate| gate.successes(MIDDLE) > 0).await;
                worker.run.kill.cancel();
                killed(trial, worker, (Status::Killed, None)).await
            }
        }
    }

    /// The requests that can fail, from what the gate saw of a run in which none did.
    pub(super) fn steps(self, gate: &Gate) -> Vec<Step> {
        let mut steps = gate.steps();
        if self == Self::Killed {
            let middle = steps.iter().position(|step| step.kind == MIDDLE).unwrap();
            steps.drain(..=middle);
            // Only some of these are under way when it is killed.
            steps.retain(|step| !POLLS[..3].iter().any(|(kind, _)| *kind == step.kind));
        }
        steps.retain(|step| {
            let poll = POLLS.iter().find(|(kind, _)| *kind == step.kind);
            poll.is_none_or(|(_, least)| step.ordinal <= *least)
        });
        steps
    }
}

/// Its run's future is gone, and so is its client.
async fn dead_in_the_middle(trial: &Trial<'_>) -> Told {
    let gate = Arc::new(Gate::start().await);
    let held = gate.hold(&Step::new(MIDDLE, 1));
    let mut worker = trial.worker(&gate, 0);
    tokio::select! {
        () = held.arrived() => {}
        () = worker.run.until_end() => unreachable!("it waits for its answer"),
    }
    let told = worker.die().await;
    held.release();
    told
}

/// What is wrong with a run that was killed.
pub(super) async fn killed(
    trial: &Trial<'_>,
    worker: Worker,
    expected: (Status, Option<i32>),
) -> Vec<String> {
    let told = trial.ended(worker).await;
    let mut wrong = secrets_told(&[&told]);
    let right = told.report.result() == Some(expected);
    wrong.extend((!right).then(|| format!("the outcome is {:?}", told.report)));
    wrong
}
