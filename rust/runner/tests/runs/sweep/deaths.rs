//! A worker stops between two requests, and another goes on.

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, stream};
use runner::Status;

use super::faults::{AT_ONCE, Verdict};
use super::judge::{Lines, Told, secrets_told, wrong};
use super::shape::killed;
use super::trial::{EAGER, Trial, Worker};
use crate::gate::{Gate, Step};
use crate::support::{Lab, Left, until};

/// How a worker stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// Somebody ends the execution.
    Kill,
    /// The worker shuts down: the thread is interrupted, and there is a moment to record what the caller has.
    Interrupt,
    /// The worker's process is gone without one.
    Sigkill,
}

impl Death {
    pub(super) const ALL: [Self; 3] = [Self::Kill, Self::Interrupt, Self::Sigkill];
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Interrupt => "interrupt, then resume",
            Self::Sigkill => "SIGKILL, then resume",
        })
    }
}

/// One run whose worker stops when a service has done what this step asks for, and does not know it yet.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) step: Step,
    pub(super) death: Death,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.death)
    }
}

/// All of them, some at once, in their order.
pub(super) async fn stop_all(lab: &Lab, stops: Vec<Stop>) -> Vec<(Stop, Verdict)> {
    let runs = stream::iter(stops).map(async |stop| {
        let verdict = run_one(lab, &stop).await;
        (stop, verdict)
    });
    runs.buffered(AT_ONCE).collect().await
}

async fn run_one(lab: &Lab, stop: &Stop) -> Verdict {
    let trial = Trial::new(lab, 0, EAGER);
    let gate = Arc::new(Gate::start().await);
    let held = gate.hold(&stop.step);
    let mut worker = trial.worker(&gate, 0);
    let reached = tokio::select! {
        () = held.arrived() => true,
        () = worker.run.until_end() => false,
        () = trial.let_go(&gate) => false,
    };
    if !reached {
        return Verdict::NotReached;
    }
    Verdict::of(match stop.death {
        Death::Kill => kill(&trial, worker, || held.release()).await,
        Death::Interrupt => interrupt(&trial, worker, || held.release()).await,
        Death::Sigkill => sigkill(&trial, worker, || held.release()).await,
    })
}

async fn and_left_behind(trial: &Trial<'_>, wrong: Vec<String>) -> Vec<String> {
    if wrong.is_empty() { trial.left_behind().await } else { wrong }
}

async fn kill(trial: &Trial<'_>, worker: Worker, go_on: impl FnOnce()) -> Vec<String> {
    let expected = match worker.run.has_outcome() {
        true => (Status::Succeeded, Some(0)),
        false => (Status::Killed, None),
    };
    worker.run.kill.cancel();
    go_on();
    let wrong = killed(trial, worker, expected).await;
    and_left_behind(trial, wrong).await
}

async fn interrupt(trial: &Trial<'_>, worker: Worker, go_on: impl FnOnce()) -> Vec<String> {
    let Worker { gate, run, dir, request } = worker;
    let left = run.left();
    if run.has_outcome() {
        // Kestra has recorded it too, and asks for no other worker.
        run.acknowledge();
    }
    let Left { report, kill: _kill, .. } = run.leave();
    go_on();
    left.cancelled().await;
    let has_outcome = report.has_outcome();
    let first = Told::new(report, &gate, dir.path(), &request);
    if has_outcome {
        return and_left_behind(trial, secrets_told(&[&first])).await;
    }
    let second = successor(trial).await;
    and_left_behind(trial, wrong(&[&first, &second], trial.exit_code, Lines::GoOn)).await
}

async fn sigkill(trial: &Trial<'_>, worker: Worker, go_on: impl FnOnce()) -> Vec<String> {
    let gate = Arc::clone(&worker.gate);
    let first = worker.die().await;
    go_on();
    until(async || gate.is_idle()).await;
    if first.report.has_outcome() {
        // It was acknowledged, so Kestra asks nobody to go on: what was not removed yet stays.
        return wrong(&[&first], trial.exit_code, Lines::GoOn);
    }
    let second = successor(trial).await;
    and_left_behind(trial, wrong(&[&first, &second], trial.exit_code, Lines::Overlap)).await
}

async fn successor(trial: &Trial<'_>) -> Told {
    let gate = Arc::new(Gate::start().await);
    trial.ended(trial.worker(&gate, 1)).await
}
