//! What Azure leaves open, one way and the other: a run must mean the same on both.

use std::time::Duration;

use azure_batch_emulator::{BlobPrefix, Consistency, Logs, Settings, Splitting, WildcardBase};
use runner::{Level, Status};
use serde_json::json;

use crate::support::{Lab, renamed, usual};

/// Inputs, outputs by name, by wildcard and as a directory, both streams, and quotes in the command.
async fn everything_arrives(settings: Settings) {
    let lab = Lab::start_with(settings).await;
    lab.write("in/a b.txt", b"input\n");
    let mut request = lab.request(
        "cat 'in/a b.txt'; echo careful >&2; echo 1 > exact.txt; mkdir -p deep/.er; \
         echo 2 > deep/.er/x.bin; echo 3 > kestra-output/y; printf '%s\\n' \"a\\\\b 'c' \\\"d\\\"\"; exit 3",
    );
    request["outputFiles"] = json!(["exact.txt", "deep/**"]);
    request["outputDir"] = json!("local");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().exit_code, Some(3), "{report:?}");
    assert_eq!(report.stdout, ["input", "a\\b 'c' \"d\""]);
    assert_eq!(report.stderr, ["careful"]);
    for (name, content) in [("exact.txt", "1\n"), ("deep/.er/x.bin", "2\n"), ("local/y", "3\n")] {
        assert_eq!(lab.read(name), content.as_bytes(), "{name}");
    }
}

#[tokio::test]
async fn a_service_that_strips_the_blob_prefix() {
    let settings = Settings { blob_prefix: BlobPrefix::Strip, ..usual() };
    everything_arrives(settings).await;
}

#[tokio::test]
async fn a_service_whose_wildcards_begin_at_the_working_directory() {
    let settings = Settings { wildcard_base: WildcardBase::WorkingDirectory, ..usual() };
    everything_arrives(settings).await;
}

#[tokio::test]
async fn a_service_that_shows_logs_at_the_end_only() {
    everything_arrives(Settings { logs: Logs::AtEnd, ..usual() }).await;
}

#[tokio::test]
async fn a_service_that_takes_its_time_for_every_state() {
    let settings = Settings { state_delay: Duration::from_millis(300).into(), ..usual() };
    everything_arrives(settings).await;
}

#[tokio::test]
async fn a_service_that_is_not_consistent_at_once() {
    everything_arrives(Settings { consistency: Consistency::Eventual, ..usual() }).await;
}

#[tokio::test]
async fn a_service_that_takes_few_requests_in_a_second() {
    everything_arrives(Settings { rate_limit: 2.try_into().ok(), ..usual() }).await;
}

#[tokio::test]
async fn a_command_line_means_the_same_however_it_is_split() {
    for command_line in [Splitting::Posix, Splitting::Argvw] {
        let lab = Lab::start_with(Settings { command_line, ..usual() }).await;
        let script =
            "printf '%s|' \"a\\\\b\" 'it'\"'\"'s' \"\\\"q\\\"\" '\\\\' '\\\\\"'; echo; exit 4";
        let mut request = lab.request(script);
        let staged = lab.run(&request).await;
        request = renamed(&request);
        request["blobStorage"] = json!(null);
        let inline = lab.run(&request).await;
        assert_eq!(staged.outcome().exit_code, Some(4), "{staged:?}");
        assert_eq!(staged.stdout, ["a\\b|it's|\"q\"|\\\\|\\\\\"|"]);
        assert_eq!(inline.stdout, staged.stdout, "{inline:?}");
    }
}

#[tokio::test]
async fn a_pool_that_cannot_run_containers_is_refused_by_name() {
    let pools = vec!["plain:containers=no".parse().unwrap()];
    let lab = Lab::start_with(Settings { pools, ..usual() }).await;
    let mut request = lab.request("true");
    request["poolId"] = json!("plain");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Invalid);
    let start = "poolId: the nodes of the pool 'plain' cannot run containers";
    assert!(report.message().starts_with(start), "{report:?}");
    assert_eq!(lab.changes(), [""; 0]);
}

#[tokio::test]
async fn the_story_of_a_run_is_told_in_a_few_lines() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"x");
    let mut request = lab.request("cp in.txt out.txt");
    request["outputFiles"] = json!(["out.txt"]);
    let report = lab.run(&request).await;
    let story: Vec<&str> = report
        .notes
        .iter()
        .filter(|(level, _)| *level == Level::Info)
        .map(|(_, note)| note.split('\'').next().unwrap_or_default())
        // How many of the states in between are seen depends on when one looks.
        .filter(|note| *note != "The Batch task is active" && !note.contains("is preparing"))
        .filter(|note| !note.contains("is running"))
        .collect();
    let expected = [
        "Staged 1 input file(s), 1 bytes, in container ",
        "Job ",
        "The Batch task is completed on node ",
        "Collected 1 output file(s)",
        "Removed the job and its staged files",
    ];
    assert_eq!(story, expected);
    let times = &report.outcome().details.as_ref().unwrap().times;
    assert!(times.stage_millis.is_some() && times.collect_millis.is_some(), "{times:?}");
    assert!(times.queue_millis.is_some() && times.run_millis.is_some(), "{times:?}");
}

#[tokio::test]
async fn the_task_has_administrators_rights_only_when_the_flow_says_so() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"input\n");
    let mut request = lab.request("id -u; cat in.txt; echo made > out.txt");
    request["outputFiles"] = json!(["out.txt"]);
    let plain = lab.run(&request).await;
    assert_eq!(plain.stdout, ["60001", "input"], "{plain:?}");
    assert_eq!(lab.read("out.txt"), b"made\n");
    request["elevationLevel"] = json!("ADMIN");
    assert_eq!(lab.run(&renamed(&request)).await.stdout, ["0", "input"]);
}

#[tokio::test]
async fn a_task_that_no_node_takes_is_ended_at_the_limit_and_says_why() {
    let pools = vec!["pool:slots=1".parse().unwrap()];
    let lab = Lab::start_with(Settings { pools, ..usual() }).await;
    let mut busy = lab.start_run(&lab.request("echo started; sleep 600"));
    busy.until_line("started").await;
    let mut waiting = renamed(&lab.request("true"));
    waiting["waitUntilCompletion"] = json!(1.0);
    let report = lab.run(&waiting).await;
    let message =
        "waitUntilCompletion of 1s was reached before a node took the task: the pool 'pool'";
    assert!(report.message().starts_with(message), "{report:?}");
    busy.kill.cancel();
    assert_eq!(busy.ended().await.outcome().status, Status::Killed);
}
