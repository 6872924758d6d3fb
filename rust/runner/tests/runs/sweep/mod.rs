//! Nothing is lost: the same run, with every request failing and every step dying in turn.
//!
//! `make sweep` runs all of it (`whole.rs`); the tests here are the part of it that `make test` can wait for.

mod deaths;
mod faults;
mod judge;
mod shape;
mod table;
mod trial;
mod whole;

use azure_batch_emulator::Settings;

use crate::gate::{Fault, Step};
use crate::support::{Lab, usual};
use deaths::{Death, Stop, stop_all};
use faults::{Cell, Verdict, pairs, run_all, steps};
use shape::Shape;
use trial::{EAGER, NO_RETRIES};

/// A lab for many runs at once.
async fn lab() -> Lab {
    let pools = vec!["pool:slots=64".parse().unwrap()];
    Lab::start_with(Settings { pools, ..usual() }).await
}

/// The cells that did not pass, in words.
fn failed<C: std::fmt::Display>(verdicts: Vec<(C, Verdict)>) -> Vec<String> {
    let told = verdicts.into_iter().filter_map(|(cell, verdict)| match verdict {
        Verdict::Failed(wrong) => Some(format!("{cell}: {wrong}")),
        Verdict::Passed | Verdict::NotReached => None,
    });
    told.collect()
}

/// One fault for each step, another for each next one.
async fn a_request_that_fails_once_changes_nothing_of(shape: Shape, at_least: usize) {
    let lab = lab().await;
    let steps = steps(&lab, shape).await;
    assert!(steps.len() >= at_least, "{steps:?}");
    let cells = steps.iter().enumerate();
    let fault = |n: usize| Fault::ALL[n % Fault::ALL.len()];
    let cells = cells.map(|(n, step)| Cell::new(shape, step, fault(n), [0, 3][n % 3 % 2]));
    assert_eq!(failed(run_all(&lab, cells.collect(), EAGER).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_once_changes_nothing() {
    a_request_that_fails_once_changes_nothing_of(Shape::Whole, 34).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_once_changes_nothing_of_a_run_that_is_taken_over() {
    a_request_that_fails_once_changes_nothing_of(Shape::TakesOver, 25).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_once_changes_nothing_of_a_kill() {
    a_request_that_fails_once_changes_nothing_of(Shape::Killed, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_in_any_way_is_made_once() {
    let lab = lab().await;
    let kinds = ["put blob run.sh", "post jobs", "post tasks", "patch job", "delete job"];
    let cells = kinds.iter().flat_map(|kind| {
        let step = Step::new(kind, 1);
        Fault::ALL.map(|fault| Cell::new(Shape::Whole, &step, fault, 0))
    });
    let verdicts = run_all(&lab, cells.collect(), EAGER).await;
    assert!(verdicts.iter().all(|(_, verdict)| *verdict != Verdict::NotReached));
    assert_eq!(failed(verdicts), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_that_fail_change_nothing() {
    let lab = lab().await;
    let steps = steps(&lab, Shape::Whole).await;
    assert_eq!(failed(run_all(&lab, pairs(&steps, 12), EAGER).await), [""; 0]);
}

/// What judges the sweeps must see what goes wrong.
#[tokio::test(flavor = "multi_thread")]
async fn without_retries_the_same_faults_are_failures() {
    let lab = lab().await;
    let kinds = ["get pool", "put blob run.sh", "post tasks", "get blob out"];
    let cells = kinds.iter().flat_map(|kind| {
        let step = Step::new(kind, 1);
        Fault::ALL.map(|fault| Cell::new(Shape::Whole, &step, fault, 0))
    });
    let verdicts = run_all(&lab, cells.collect(), NO_RETRIES).await;
    assert_eq!(failed(verdicts).len(), kinds.len() * Fault::ALL.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_between_two_requests_is_replaced_and_nothing_is_lost() {
    let lab = lab().await;
    let steps = steps(&lab, Shape::Whole).await;
    let cells = steps.iter().enumerate();
    let cells = cells.map(|(n, step)| Stop { step: step.clone(), death: Death::ALL[n % 3] });
    assert_eq!(failed(stop_all(&lab, cells.collect()).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_gone_after_a_write_is_replaced_and_nothing_is_lost() {
    let lab = lab().await;
    let kinds =
        ["put blob run.sh", "put blob in", "post jobs", "post tasks", "patch job", "delete job"];
    let cells = kinds.map(|kind| Stop { step: Step::new(kind, 1), death: Death::Sigkill });
    let verdicts = stop_all(&lab, cells.into()).await;
    assert!(verdicts.iter().all(|(_, verdict)| *verdict != Verdict::NotReached));
    assert_eq!(failed(verdicts), [""; 0]);
}
