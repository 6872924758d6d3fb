//! What a flow, or what it fetched, may have put into the working directory.

use std::os::unix::fs::symlink;

use runner::{Level, Status};
use serde_json::json;

use crate::gate::{Gate, Step};
use crate::support::Lab;

#[tokio::test]
async fn a_link_that_leads_out_is_refused_before_anything_is_created() {
    let lab = Lab::start().await;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    lab.write("in.txt", b"input\n");
    for target in [outside.path().join("secret"), outside.path().to_owned()] {
        let link = lab.dir.path().join("leak");
        symlink(target, &link).unwrap();
        let report = lab.run(&lab.request("cat leak leak/secret")).await;
        assert_eq!(report.outcome().status, Status::Invalid, "{report:?}");
        let start = "inputFiles: 'leak' leads out of the working directory";
        assert!(report.message().starts_with(start), "{report:?}");
        std::fs::remove_file(link).unwrap();
    }
    assert_eq!(lab.changes(), [""; 0]);
    assert_eq!(lab.blobs().await, [""; 0]);
}

#[tokio::test]
async fn what_is_no_regular_file_is_left_out_and_named() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"input\n");
    symlink("in.txt", lab.dir.path().join("inside")).unwrap();
    symlink(lab.dir.path().join("in.txt"), lab.dir.path().join("absolute")).unwrap();
    symlink("nothing", lab.dir.path().join("dangling")).unwrap();
    let fifo = lab.dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let request = lab.request("cat in.txt inside absolute; ls fifo dangling | wc -l");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(report.stdout, ["input", "input", "input", "0"]);
    let warnings: Vec<_> = report.notes.iter().filter(|(level, _)| *level == Level::Warn).collect();
    let texts: Vec<_> = warnings.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "inputFiles: 'dangling' is a link that leads nowhere and is not available to the task",
            "inputFiles: 'fifo' is a FIFO, a socket or a device and is not available to the task",
        ]
    );
}

#[tokio::test]
async fn an_output_below_a_link_is_not_written_outside() {
    let lab = Lab::start().await;
    let outside = tempfile::tempdir().unwrap();
    let mut request = lab
        .request("mkdir out; echo x > out/x; echo waits; until [ -e ../go ]; do sleep 0.1; done");
    request["outputFiles"] = json!(["out/x"]);
    let mut run = lab.start_run(&request);
    run.until_line("waits").await;
    // Among the inputs it would be refused.
    symlink(outside.path(), lab.dir.path().join("out")).unwrap();
    std::fs::write(lab.wd(&request).join("go"), "").unwrap();
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Failed, "{report:?}");
    assert!(report.message().starts_with("outputFiles: 'out/x' could not be brought back: "));
    assert!(report.message().contains("leads out of the working directory"), "{report:?}");
    assert_eq!(outside.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_limit_that_is_reached_while_files_travel_ends_the_run() {
    let (lab, gate) = (Lab::start().await, Gate::start().await);
    lab.write("in.txt", b"input\n");
    let mut request = lab.request("true");
    request["waitUntilCompletion"] = json!(1.0);
    let _held = gate.hold(&Step::new("put blob in", 1));
    let report = lab.start_run_with(&request, &gate.client()).ended().await;
    assert_eq!(report.outcome().status, Status::Failed);
    let start = "waitUntilCompletion of 1s was reached while the input files were staged";
    assert!(report.message().starts_with(start), "{report:?}");
    assert_eq!(lab.changes(), [""; 0]);
    assert_eq!(lab.blobs().await, [""; 0]);
}

#[tokio::test]
async fn a_kill_while_a_large_file_travels_waits_for_nothing() {
    let (lab, gate) = (Lab::start().await, Gate::start().await);
    lab.write("large", &[7; (8 << 20) + 1]);
    let request = lab.request("true");
    let held = gate.hold(&Step::new("put blob in", 1));
    let run = lab.start_run_with(&request, &gate.client());
    held.arrived().await;
    run.kill.cancel();
    assert_eq!(run.ended().await.outcome().status, Status::Killed);
    assert_eq!(lab.changes(), [""; 0]);
}
