//! Whole runs against the emulator and Azurite.

use crate::gate::{Gate, Step};
use crate::support::{Lab, POOL, directory, job_id, until};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use azure::batch::JobState;
use azure_batch_emulator::Settings;
use runner::{Level, Status};
use serde_json::json;

#[tokio::test]
async fn files_go_in_and_out_and_the_lines_arrive() {
    let lab = Lab::start().await;
    lab.write("main.sh", b"echo from-main");
    lab.write("data/a b #1%+.txt", "zw\u{f6}lf".as_bytes());
    lab.write("data/empty", b"");
    let mut request = lab.request(
        "sh main.sh; echo careful >&2; cat data/a*.txt > out.txt; mkdir -p deep/er; cp data/empty deep/er/x.bin; \
         printf '%s\\n' \"$GREETING\" 'a\\b'; pwd -L; cat $WORKING_DIR/main.sh",
    );
    request["environment"]["WORKING_DIR"] = request["containerWorkingDir"].clone();
    request["outputFiles"] = json!(["out.txt", "deep/**/*.bin", "never-made.txt*"]);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(report.outcome().exit_code, Some(0));
    let home = "it's \"quoted\" $HOME";
    assert_eq!(
        report.stdout,
        ["from-main", home, "a\\b", &format!("/tmp/{}", directory(&request)), "echo from-main"]
    );
    assert_eq!(report.stderr, ["careful"]);
    assert_eq!(lab.read("out.txt"), "zw\u{f6}lf".as_bytes());
    assert_eq!(lab.read("deep/er/x.bin"), b"");
    let submitted = format!("Job '{}' submitted to pool '{POOL}'", job_id(&request));
    assert!(report.notes.contains(&(Level::Info, submitted)), "{report:?}");
}

#[tokio::test]
async fn a_deleted_run_leaves_neither_job_nor_blobs() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"x");
    let mut request = lab.request("cp in.txt out.txt");
    request["outputFiles"] = json!(["out.txt"]);
    assert_eq!(lab.run(&request).await.outcome().status, Status::Succeeded);
    assert_eq!(lab.blobs().await, [""; 0]);
    until(async || lab.jobs().await.is_empty()).await;
}

#[tokio::test]
async fn the_details_of_a_run_say_what_it_took() {
    // In every variant: of a service that is busy, or late, some things are asked again.
    let settings = Settings { pools: vec![POOL.into()], ..Settings::default() };
    let lab = Lab::start_with(settings).await;
    lab.write("in.txt", b"four");
    let mut request = lab.request("cat in.txt in.txt > out.txt");
    request["outputFiles"] = json!(["out.txt"]);
    request["delete"] = json!(false);
    let report = lab.run(&request).await;
    let details = report.outcome().details.as_ref().unwrap();
    assert!(details.node_size.is_some() && !details.resumed && !details.deletion_triggered);
    let transfers = &details.transfers;
    assert_eq!((transfers.stage_files, transfers.stage_bytes), (Some(1), Some(4)));
    assert_eq!((transfers.collect_files, transfers.collect_bytes), (Some(1), Some(8)));
    // The clean-up comes later.
    let requests = usize::try_from(details.requests.batch_requests).unwrap();
    assert!((4..=lab.emulator.requests().len()).contains(&requests), "{details:?}");
    assert_eq!(details.requests.batch_retries, 0);
    // Lists, the kind of the account, the script, the input, two logs and the output.
    assert!((7..=12).contains(&details.requests.blob_requests.unwrap()), "{details:?}");
    assert_eq!(details.requests.blob_retries, Some(0));
    assert!(details.usage.is_some());
}

#[tokio::test]
async fn without_delete_the_job_is_completed_and_the_blobs_stay() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"x");
    let mut request = lab.request("true");
    request["delete"] = json!(false);
    assert_eq!(lab.run(&request).await.outcome().status, Status::Succeeded);
    let kept = ["in/in.txt", "logs/stderr.txt", "logs/stdout.txt", "run.sh", "state.json"];
    let kept = kept.map(|name| format!("{}/{name}", directory(&request)));
    assert_eq!(lab.blobs().await, kept);
    assert!(!lab.changes().iter().any(|change| change.starts_with("DELETE")));
    until(async || lab.jobs().await[0].state == JobState::Completed).await;
}

#[tokio::test]
async fn a_failed_task_has_its_exit_code_its_logs_and_its_files() {
    let lab = Lab::start().await;
    let mut request = lab.request("echo before; echo broken > report.txt; exit 3");
    request["outputFiles"] = json!(["report.txt"]);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Failed);
    assert_eq!(report.outcome().exit_code, Some(3));
    assert_eq!(report.message(), "The task exited with code 3");
    assert_eq!(report.stdout, ["before"]);
    assert_eq!(lab.read("report.txt"), b"broken\n");
}

#[tokio::test]
async fn without_blob_storage_a_command_runs_and_inputs_are_warned_about() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"input\n");
    let mut request = lab.request("printf '%s\\n' \"a\\\\b 'c'\"; ls; exit 4");
    request["blobStorage"] = json!(null);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().exit_code, Some(4), "{report:?}");
    assert_eq!(report.stdout, ["a\\b 'c'"]);
    let (level, warning) = &report.notes[0];
    assert_eq!(*level, Level::Warn);
    assert!(warning.starts_with("blobStorage is not set: the 1 input files"), "{warning}");
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_said_in_words() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    request["containerImage"] = json!("registry.example/missing:1");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Failed);
    assert_eq!(report.outcome().exit_code, None);
    let start = "containerImage: the image 'registry.example/missing:1' could not be pulled";
    assert!(report.message().starts_with(start), "{report:?}");
}

#[tokio::test]
async fn an_output_file_that_was_not_made_is_warned_about() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    request["outputFiles"] = json!(["never-made.txt"]);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    let warning = "outputFiles: the task did not create 'never-made.txt'".to_owned();
    assert!(report.notes.contains(&(Level::Warn, warning)), "{report:?}");
}

#[tokio::test]
async fn the_limit_ends_the_task_and_its_logs_arrive() {
    let lab = Lab::start().await;
    let mut request = lab.request("echo started; sleep 600");
    request["waitUntilCompletion"] = json!(2.0);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Failed);
    assert!(report.message().starts_with("waitUntilCompletion of 2s"), "{report:?}");
    assert_eq!(report.stdout, ["started"]);
}

#[tokio::test]
async fn dotfiles_and_files_of_one_name_come_back_and_so_does_the_output_directory() {
    let lab = Lab::start().await;
    let mut request = lab.request(
        "mkdir -p a/.b c; echo 1 > a/same; echo 2 > c/same; echo 3 > a/.b/.dot; echo 4 > a/.b/plain; \
         : > a/empty; echo 5 > 'a/b c#%+?.x'; echo 6 > kestra-output/.hidden",
    );
    request["outputFiles"] = json!(["a/**", "{c,d}/*"]);
    request["outputDir"] = json!("5Kpf");
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    let table = [
        ("a/same", "1\n"),
        ("c/same", "2\n"),
        ("a/.b/.dot", "3\n"),
        ("a/.b/plain", "4\n"),
        ("a/empty", ""),
        ("a/b c#%+?.x", "5\n"),
        ("5Kpf/.hidden", "6\n"),
    ];
    for (name, content) in table {
        assert_eq!(lab.read(name), content.as_bytes(), "{name}");
    }
}

#[tokio::test]
async fn a_synchronised_working_directory_comes_back_with_what_changed() {
    let lab = Lab::start().await;
    lab.write("in/data.txt", b"old");
    lab.write("in/same.txt", b"same");
    let mut request = lab.request("echo new > in/data.txt; echo made > made.txt");
    request["syncWorkingDirectory"] = json!(true);
    assert_eq!(lab.run(&request).await.outcome().status, Status::Succeeded);
    assert_eq!(lab.read("in/data.txt"), b"new\n");
    assert_eq!(lab.read("in/same.txt"), b"same");
    assert_eq!(lab.read("made.txt"), b"made\n");
}

#[tokio::test]
async fn a_marker_in_the_middle_of_a_line_is_a_line_of_its_own() {
    let lab = Lab::start().await;
    let report = lab.run(&lab.request("printf 'half::{\"outputs\":{\"a\":1}}::'")).await;
    assert_eq!(report.stdout, ["half", "::{\"outputs\":{\"a\":1}}::"]);
}

#[tokio::test]
async fn twenty_megabytes_and_a_line_of_a_megabyte_lose_nothing() {
    let lab = Lab::start().await;
    let script = "head -c 1048576 /dev/zero | tr '\\0' x; echo; \
                  i=0; while [ $i -lt 19 ]; do head -c 1048576 /dev/zero | tr '\\0' y | fold -w 99; i=$((i+1)); done";
    let report = lab.run(&lab.request(script)).await;
    let (pieces, rest) = report.stdout.split_at(16);
    assert!(pieces.iter().all(|piece| *piece == "x".repeat(65_536)), "a long line in pieces");
    let rest: usize = rest.iter().map(String::len).sum();
    assert_eq!(rest, 19 * 1_048_576);
}

#[tokio::test]
async fn a_thousand_files_go_in_and_a_hundred_come_out_through_two_resource_files() {
    let lab = Lab::start().await;
    let names: Vec<String> =
        (0..1_000).map(|n| format!("d{}/e{}/file {n}.bin", n % 7, n % 11)).collect();
    // Bytes of all values, and a length of its own for each file.
    let content = |n: usize| (0..n).map(|i| (i * 31 + n) as u8).collect::<Vec<u8>>();
    for (n, name) in names.iter().enumerate() {
        lab.write(name, &content(n));
    }
    let sums = "find . -name 'file*.bin' | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 cksum";
    let expected = Command::new("sh").args(["-c", sums]).current_dir(lab.dir.path()).output();
    let mut request = lab.request(&format!(
        "{sums}; find . -name 'file ?.bin' -o -name 'file ??.bin' | while read -r f; do \
         mkdir -p \"out/${{f%/*}}\"; cp \"$f\" \"out/$f\"; done"
    ));
    request["outputFiles"] = json!(["out/**/*.bin"]);
    let gate = Gate::start().await;
    let report = lab.start_run_with(&request, &gate.client()).ended().await;
    assert_eq!(report.stdout.len(), 1_000, "{report:?}");
    assert_eq!(
        report.stdout.join("\n"),
        String::from_utf8(expected.unwrap().stdout).unwrap().trim()
    );
    for (n, name) in names.iter().enumerate().take(100) {
        assert_eq!(lab.read(&format!("out/{name}")), content(n), "{name}");
    }
    let task = gate.body("POST", "/tasks");
    assert_eq!(task["resourceFiles"].as_array().unwrap().len(), 2);
    assert_eq!(lab.blobs().await, [""; 0]);
}

#[tokio::test]
async fn inputs_keep_their_names_and_what_can_be_executed() {
    let lab = Lab::start().await;
    let names =
        ["run me.sh", "\u{fc}n\u{ef}/\u{1f680} #1%+?&=.txt", ".hidden/.dot", "deep/er/est/empty"];
    lab.write(names[0], b"#!/bin/sh\necho executed\n");
    names[1..].iter().for_each(|name| lab.write(name, b""));
    let script = lab.dir.path().join(names[0]);
    std::fs::set_permissions(script, PermissionsExt::from_mode(0o755)).unwrap();
    let request = lab.request("./run\\ me.sh; find . -type f | LC_ALL=C sort");
    let report = lab.run(&request).await;
    let mut found: Vec<String> = names.iter().map(|name| format!("./{name}")).collect();
    found.sort();
    found.insert(0, "executed".to_owned());
    assert_eq!(report.stdout, found, "{report:?}");
}

#[tokio::test]
async fn a_command_that_is_too_long_for_an_argument_is_run_the_same_way() {
    let lab = Lab::start().await;
    lab.write("in.txt", b"input\n");
    let long = "# it's a \\ long comment\n".repeat(10_000);
    let mut request =
        lab.request(&format!("set -e\necho $0 $1 $(cat in.txt)\n{long}false\necho after"));
    let commands = request["commands"].as_array_mut().unwrap();
    commands.extend([json!("zero"), json!("one")]);
    let report = lab.run(&request).await;
    assert_eq!(report.stdout, ["zero one input"], "{report:?}");
    assert_eq!(report.outcome().exit_code, Some(1));
}

/// A thread has 2 MiB, and TLS takes its part: a worker whose stack is full ends without a word.
#[test]
fn a_run_leaves_half_of_a_threads_stack_free() {
    let whole_run = async {
        let lab = Lab::start().await;
        lab.write("in.txt", b"in");
        let mut request = lab.request("cat in.txt | tee out.txt");
        request["outputFiles"] = json!(["out.txt"]);
        let report = lab.run(&request).await;
        assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    };
    let on_a_small_stack = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(Box::pin(whole_run));
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(on_a_small_stack);
    thread.unwrap().join().unwrap();
}

#[tokio::test]
async fn a_task_that_is_looked_at_often_does_not_have_its_log_read_as_often() {
    let lab = Lab::start().await;
    let mut request = lab.request("sleep 2");
    request["completionCheckInterval"] = json!(0.1);
    let gate = Gate::start().await;
    lab.start_run_with(&request, &gate.client()).until_outcome().await;
    let steps = gate.steps();
    let count = |kind: &str| steps.iter().filter(|step| step.kind == kind).count();
    let (looks, reads) = (count("get task"), count("get stdout.txt"));
    assert!(looks > 2 * reads, "{looks} looks at the task and {reads} at its log");
}

#[tokio::test]
async fn the_rest_of_both_streams_is_read_at_the_same_time() {
    let (lab, gate) = (Lab::start().await, Gate::start().await);
    let held = gate.hold(&Step::new("get blob logs", 1));
    let run = lab.start_run_with(&lab.request("echo one; echo two >&2"), &gate.client());
    gate.until(|gate| gate.steps().contains(&Step::new("get blob logs", 2))).await;
    held.release();
    let report = run.ended().await;
    assert_eq!((&*report.stdout, &*report.stderr), (&["one".into()][..], &["two".into()][..]));
    // What is held for too long is asked again.
    assert!(!gate.steps().contains(&Step::new("get blob logs", 3)));
}

/// Looks at the task and its log are as many as its time asks for; the other requests of a run are always the same.
#[tokio::test]
async fn a_run_with_a_file_in_and_a_file_out_makes_few_requests() {
    let lab = Lab::start().await;
    lab.write("main.py", b"x");
    let mut request =
        lab.request("echo hello; cp main.py environment_info.json; sleep 1; echo end");
    request["outputFiles"] = json!(["environment_info.json"]);
    let gate = Gate::start().await;
    let mut run = lab.start_run_with(&request, &gate.client());
    run.until_outcome().await;
    // As in Kestra, where the job ends by itself while the outcome is reported.
    lab.until_jobs(1, JobState::Completed).await;
    let removed = gate.steps().into_iter().filter(|step| step.kind.starts_with("delete"));
    assert_eq!(removed.count(), 0, "nothing is removed before the outcome is recorded");
    run.ended().await;
    let steps = gate.steps().into_iter().map(|step| step.kind);
    // Only a run that was slow looks whether its files are still there.
    let steps = steps.filter(|kind| kind != "get blob run.sh");
    let (blobs, batch): (Vec<_>, Vec<_>) = steps.partition(|kind| kind.contains("blob"));
    let polls = ["get task", "get stdout.txt", "get stderr.txt"];
    let batch: Vec<_> = batch.iter().filter(|kind| !polls.contains(&kind.as_str())).collect();
    assert_eq!(batch[2..], ["post jobs", "post tasks", "patch job", "delete job"]);
    let mut asked = [batch[0].as_str(), batch[1].as_str()];
    asked.sort_unstable();
    assert_eq!(asked, ["get jobs", "get pool"], "at the same time");
    // The list of earlier runs, and what kind of account it is, at the same time.
    let staged = ["get blobs", "get blobs", "put blob run.sh", "put blob in"];
    let read = ["get blob logs"; 2];
    let collected = ["get blobs", "get blob out"];
    // The script, and then what is listed: an input, an output and two logs.
    let removed = ["delete blob", "get blobs"].into_iter().chain(["delete blob"; 4]);
    let expected: Vec<_> = staged.into_iter().chain(read).chain(collected).chain(removed).collect();
    assert_eq!(blobs, expected);
}
