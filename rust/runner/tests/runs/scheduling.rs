//! What a flow says of its job and task for Batch's scheduler, and for people.

use azure_batch_emulator::Settings;
use runner::Status;
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::support::{Lab, renamed, usual};

#[tokio::test]
async fn a_task_takes_as_many_slots_as_the_flow_says() {
    let pools = vec!["pool:slots=4".parse().unwrap()];
    let lab = Lab::start_with(Settings { pools, ..usual() }).await;
    let mut first = lab.request("echo started; sleep 600");
    first["requiredSlots"] = json!(3);
    let mut first = lab.start_run(&first);
    first.until_line("started").await;
    let mut second = renamed(&lab.request("true"));
    second["requiredSlots"] = json!(2);
    second["waitUntilRunning"] = json!(1.0);
    let report = lab.run(&second).await;
    assert!(report.message().starts_with("waitUntilRunning of 1s was reached"), "{report:?}");
    second = renamed(&second);
    second["requiredSlots"] = json!(null);
    assert_eq!(lab.run(&second).await.outcome().status, Status::Succeeded);
    first.kill.cancel();
    first.ended().await;
}

#[tokio::test]
async fn more_slots_than_a_node_has_are_refused_before_anything_is_created() {
    let lab = Lab::start().await;
    let mut request = lab.request("true");
    request["requiredSlots"] = json!(5);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Invalid);
    let start = "requiredSlots: it is 5, and the nodes of the pool 'pool' have 4 slot(s) each";
    assert!(report.message().starts_with(start), "{report:?}");
    assert_eq!(lab.changes(), [""; 0]);
}

#[tokio::test]
async fn the_job_and_the_task_carry_what_the_flow_says_of_them() {
    let lab = Lab::start().await;
    let gate = Gate::start().await;
    let mut request = lab.request("true");
    request["displayName"] = json!("Nightly \u{e9}");
    request["priority"] = json!(-7);
    request["extraLabels"] = json!({"team": "data"});
    request["retentionTime"] = json!(3600);
    let report = lab.start_run_with(&request, &gate.client()).ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    let job = gate.body("POST", "/jobs");
    assert_eq!((&job["displayName"], &job["priority"]), (&json!("Nightly \u{e9}"), &json!(-7)));
    let kestra = json!({"name": "kestra-namespace", "value": "company.team"});
    assert_eq!(job["metadata"], json!([kestra, {"name": "team", "value": "data"}]));
    let task = gate.body("POST", "/tasks");
    assert_eq!(task["constraints"]["retentionTime"], "PT3600S");
}

#[tokio::test]
async fn a_job_of_a_higher_priority_goes_first() {
    let pools = vec!["pool:slots=1".parse().unwrap()];
    let lab = Lab::start_with(Settings { pools, ..usual() }).await;
    let mut busy = lab.start_run(&lab.request("echo started; sleep 600"));
    busy.until_line("started").await;
    let waiting = [("low", -5), ("high", 5)].map(|(name, priority)| {
        let script = format!("echo {name} >> $AZ_BATCH_NODE_SHARED_DIR/order");
        let mut request = renamed(&lab.request(&script));
        request["priority"] = json!(priority);
        request
    });
    let mut runs = Vec::new();
    for request in &waiting {
        let mut run = lab.start_run(request);
        run.until_note("The Batch task is active").await;
        runs.push(run);
    }
    busy.kill.cancel();
    busy.ended().await;
    for run in runs {
        assert_eq!(run.ended().await.outcome().status, Status::Succeeded);
    }
    let node = std::fs::read_dir(lab.node.path()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_to_string(node.join("shared/order")).unwrap(), "high\nlow\n");
}

/// Of a task that fails in its first two runs.
fn retried(lab: &Lab, retries: i32) -> Value {
    let count =
        "count=$AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID; echo x >> $count; n=`wc -l < $count`";
    let script = format!(
        "{count}; echo \"run $n\"; echo \"error $n\" >&2; cat in.txt; echo $n > out.txt; [ $n -gt 2 ] || exit 1$n"
    );
    lab.write("in.txt", b"in\n");
    let mut request = lab.request(&script);
    request["maxTaskRetryCount"] = json!(retries);
    request["outputFiles"] = json!(["out.txt"]);
    request
}

#[tokio::test]
async fn a_task_that_fails_is_run_again_and_its_last_run_counts() {
    let lab = Lab::start().await;
    let report = lab.run(&retried(&lab, 2)).await;
    assert_eq!(report.outcome().exit_code, Some(0), "{report:?}");
    assert_eq!(lab.read("out.txt"), b"3\n");
    let last = ["run 3", "in"];
    assert!(report.stdout.ends_with(&last.map(str::to_owned)), "{report:?}");
    assert_eq!(report.stdout.iter().filter(|line| *line == "run 3").count(), 1, "{report:?}");
    assert_eq!(report.stderr.last().unwrap(), "error 3", "{report:?}");
}

#[tokio::test]
async fn a_task_that_fails_each_time_has_the_exit_code_of_its_last_run() {
    let lab = Lab::start().await;
    let report = lab.run(&retried(&lab, 1)).await;
    assert_eq!(report.outcome().exit_code, Some(12), "{report:?}");
    assert_eq!(lab.read("out.txt"), b"2\n");
}

/// The run before has moved them out of the download, which does not come again on the same node.
#[tokio::test]
async fn input_files_that_travel_under_numbers_are_there_in_the_next_run_too() {
    let lab = Lab::start().await;
    lab.write("a\\b.", b"odd\n");
    let mut request = lab.request("cat 'a\\b.'; [ -e left ] || { touch left; exit 1; }");
    request["maxTaskRetryCount"] = json!(1);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().exit_code, Some(0), "{report:?}");
    assert_eq!(report.stdout.last().unwrap(), "odd", "{report:?}");
}

#[tokio::test]
async fn a_task_is_run_once_where_the_flow_says_nothing() {
    let lab = Lab::start().await;
    let mut request = retried(&lab, 0);
    request["maxTaskRetryCount"] = json!(null);
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().exit_code, Some(11), "{report:?}");
    assert_eq!(report.stdout, ["run 1", "in"]);
}

#[tokio::test]
async fn a_task_that_is_run_again_without_end_is_ended_at_the_limit() {
    let lab = Lab::start().await;
    let mut request = lab.request("exit 1");
    request["maxTaskRetryCount"] = json!(-1);
    request["waitUntilCompletion"] = json!(3.0);
    let report = lab.run(&request).await;
    assert!(report.message().starts_with("waitUntilCompletion of 3s was reached"), "{report:?}");
    lab.until_jobs(0, azure::batch::JobState::Active).await;
}
