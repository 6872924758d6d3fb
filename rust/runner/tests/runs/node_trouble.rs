//! Logs of a node that is in trouble: for a while, or at the end.

use runner::Status;
use serde_json::{Value, json};

use crate::gate::{Gate, Step};
use crate::support::{Lab, Run, job_id, renamed};

const TROUBLE: [(u16, &str); 6] = [
    (409, "NodeStateUnusable"),
    (409, "NodeBeingRebooted"),
    (409, "NodeBeingReimaged"),
    (409, "NodeBeingStarted"),
    (409, "OperationNotValidOnNode"),
    (403, "IOError"),
];

/// More often than a run here reads a log.
const ALWAYS: usize = 500;

fn request(lab: &Lab) -> Value {
    let mut request = lab.request("echo one; echo careful >&2; echo two; printf three");
    request["streamLogs"] = json!(false);
    renamed(&request)
}

/// From the n-th request of its kind on, this often.
fn say(gate: &Gate, kind: &str, from: usize, times: usize, (status, code): (u16, &'static str)) {
    (from..from + times).for_each(|n| gate.say(&Step::new(kind, n), status, code));
}

async fn has_all_lines(run: Run, said: &str) {
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{said}: {report:?}");
    assert_eq!(report.stdout, ["one", "two", "three"], "{said}: {report:?}");
    assert_eq!(report.stderr, ["careful"], "{said}: {report:?}");
}

#[tokio::test]
async fn a_node_that_is_in_trouble_for_a_while_loses_and_repeats_no_line() {
    let lab = Lab::start().await;
    for trouble in TROUBLE {
        let gate = Gate::start().await;
        let mut request = request(&lab);
        request["streamLogs"] = json!(true);
        let wait = "while [ ! -e $AZ_BATCH_TASK_WORKING_DIR/go ]; do sleep 0.05; done";
        request["commands"][2] =
            json!(format!("echo one; {wait}; echo two; echo careful >&2; printf three"));
        say(&gate, "get stdout.txt", 2, 2, trouble);
        let mut run = lab.start_run_with(&request, &gate.client());
        tokio::select! {
            () = run.until_end() => {}
            () = gate.until(|gate| gate.steps().contains(&Step::new("get stdout.txt", 4))) => {}
        }
        let job = &job_id(&request);
        let nodes = std::fs::read_dir(lab.node.path()).unwrap().flatten();
        let wd = nodes.map(|node| {
            node.path().join("workitems").join(job).join("job-1").join(job).join("wd/go")
        });
        assert_eq!(wd.filter(|go| std::fs::write(go, "").is_ok()).count(), 1);
        has_all_lines(run, trouble.1).await;
        assert!(gate.is_done());
    }
}

#[tokio::test]
async fn the_log_of_a_node_that_stays_in_trouble_is_read_from_blob_storage() {
    let lab = Lab::start().await;
    for trouble in TROUBLE {
        let gate = Gate::start().await;
        for kind in ["get stdout.txt", "head stdout.txt", "get stderr.txt", "head stderr.txt"] {
            say(&gate, kind, 1, ALWAYS, trouble);
        }
        let run = lab.start_run_with(&request(&lab), &gate.client());
        has_all_lines(run, trouble.1).await;
    }
}

#[tokio::test]
async fn a_log_that_was_not_uploaded_is_read_from_a_node_that_comes_back() {
    let (lab, gate) = (Lab::start().await, Gate::start().await);
    say(&gate, "get blob logs", 1, 2, (404, "BlobNotFound"));
    say(&gate, "get stdout.txt", 1, 1, TROUBLE[1]);
    has_all_lines(lab.start_run_with(&request(&lab), &gate.client()), "not uploaded").await;
    assert!(gate.is_done());
}

#[tokio::test]
async fn without_blob_storage_a_node_that_comes_back_loses_no_line() {
    let lab = Lab::start().await;
    let mut request = request(&lab);
    request["blobStorage"] = json!(null);
    let gate = Gate::start().await;
    say(&gate, "get stdout.txt", 1, 1, TROUBLE[0]);
    has_all_lines(lab.start_run_with(&request, &gate.client()), "inline").await;
}
