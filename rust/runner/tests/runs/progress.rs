//! What a run says while it takes its time.

use std::time::Duration;

use runner::Status;
use serde_json::json;

use crate::gate::{Gate, Step};
use crate::support::Lab;

/// As if the clock were moved on: nobody waits.
async fn move_the_clock_on(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_slow_transfer_says_how_far_it_is_in_both_directions_as_a_step_of_the_run() {
    let (lab, gate) = (Lab::start().await, Gate::start().await);
    lab.write("in.txt", b"input\n");
    let mut request = lab.request("cp in.txt out.txt");
    request["outputFiles"] = json!(["out.txt"]);
    let staging = gate.hold(&Step::new("put blob in", 1));
    let collecting = gate.hold(&Step::new("get blob out", 1));
    let mut run = lab.start_run_with(&request, &gate.client());
    // The answer that is kept back is given up then, and asked for again.
    staging.arrived().await;
    move_the_clock_on(5).await;
    run.until_note("Staging: 0 of 1 files, 0 of 6 B, 0 B/s").await;
    run.until_note("Job ").await;
    collecting.arrived().await;
    move_the_clock_on(5).await;
    run.until_note("Collecting: 0 files, 0 B, 0 B/s").await;
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(lab.read("out.txt"), b"input\n");
    let (tasks, others): (Vec<&str>, Vec<&str>) =
        report.steps.iter().map(String::as_str).partition(|step| step.starts_with("task."));
    let staged = ["files.staging", "files.staged", "job.submitted"];
    assert_eq!(others, [&staged[..], &["files.collecting", "files.collected"]].concat());
    assert_eq!(tasks.last(), Some(&"task.completed"));
}
