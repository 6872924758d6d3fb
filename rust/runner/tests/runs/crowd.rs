//! Many runs at once in one worker, on an account that does not take all that they would ask of it.

use std::num::NonZeroU32;

use azure_batch_emulator::{PoolSettings, RequestRecord, Settings};
use futures::future::join_all;
use runner::{Level, Status};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Lab, Report, Run, renamed, until, usual};

/// Nodes with room for all tasks.
const POOL: &str = "pool:nodes=10,slots=100";

async fn lab(limit: u32) -> Lab {
    let pools: Vec<PoolSettings> = vec![POOL.parse().unwrap()];
    let rate_limit = NonZeroU32::new(limit);
    Lab::start_with(Settings { pools, rate_limit, job_quota: 1_000, ..usual() }).await
}

fn request(lab: &Lab, script: &str) -> Value {
    let mut request = lab.request(script);
    request["blobStorage"] = json!(null);
    request["waitUntilCompletion"] = json!(30 * 60);
    request
}

/// Runs so many tasks at once to their ends.
async fn run_all(lab: &Lab, count: usize, seconds: u32) -> Vec<Report> {
    let script = format!("echo begins; sleep {seconds}; echo ends");
    let runs: Vec<_> =
        (0..count).map(|_| lab.start_run(&renamed(&request(lab, &script))).ended()).collect();
    join_all(runs).await
}

fn count(requests: &[RequestRecord], of: impl Fn(&RequestRecord) -> bool) -> usize {
    requests.iter().filter(|request| of(request)).count()
}

fn is_throttling_told(report: &Report) -> usize {
    let told = |(level, note): &&(Level, String)| {
        *level == Level::Warn && note.starts_with("account: Azure throttles the requests")
    };
    report.notes.iter().filter(told).count()
}

/// How often active jobs were listed.
fn lists(requests: &[RequestRecord]) -> usize {
    count(requests, |request| request.query.contains("select=id"))
}

/// All end right, few requests are refused, and the log says why it is late.
pub(crate) async fn a_throttled_account_serves(count_of_runs: usize, limit: u32, seconds: u32) {
    let lab = lab(limit).await;
    let start = std::time::Instant::now();
    let reports = run_all(&lab, count_of_runs, seconds).await;
    for report in &reports {
        assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
        assert_eq!(report.stdout, ["begins", "ends"], "{report:?}");
        assert!(is_throttling_told(report) <= 1, "{report:?}");
    }
    assert!(reports.iter().any(|report| is_throttling_told(report) == 1));
    let requests = lab.emulator.requests();
    let refused = count(&requests, |request| request.status == 429);
    let looks = count(&requests, |request| request.operation == Some("Get Task"));
    let reads = count(&requests, |request| request.operation == Some("Get Task File"));
    let counts = format!(
        "{count_of_runs} runs at {limit}/s: {} requests in {:?}, {refused} refused, {looks} looks, \
         {reads} reads, {} lists",
        requests.len(),
        start.elapsed(),
        lists(&requests)
    );
    println!("{counts}");
    assert!(refused < requests.len() / 5, "{counts}");
    // A look at each every second, as one run by itself makes, would be many more.
    assert!(looks < 6 * count_of_runs, "{counts}");
}

#[tokio::test]
async fn a_throttled_account_serves_all_runs_of_a_worker() {
    a_throttled_account_serves(40, 20, 5).await;
}

#[tokio::test]
async fn one_list_tells_many_runs_that_they_go_on() {
    let lab = lab(15).await;
    let runs: Vec<_> =
        (0..12).map(|_| lab.start_run(&renamed(&request(&lab, "sleep 600")))).collect();
    let kills: Vec<_> = runs.iter().map(|run| run.kill.clone()).collect();
    let listed = async {
        until(async || lists(&lab.emulator.requests()) > 0).await;
        kills.iter().for_each(CancellationToken::cancel);
    };
    let (reports, ()) = tokio::join!(join_all(runs.into_iter().map(Run::ended)), listed);
    for report in reports {
        assert_eq!(report.outcome().status, Status::Killed, "{report:?}");
    }
}

#[tokio::test]
async fn runs_wait_in_order_where_the_account_is_full() {
    let lab = Lab::start_with(Settings { job_quota: 1, ..usual() }).await;
    let mut runs = Vec::new();
    for number in 0..4 {
        let mut run = lab.start_run(&renamed(&request(&lab, &format!("echo {number}; sleep 1"))));
        if number == 0 {
            run.until_line("0").await;
        } else {
            run.until_note("account: the Batch account 'labbatch' has as many active jobs").await;
        }
        runs.push(async move {
            let report = run.ended().await;
            assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
            (number, std::time::Instant::now())
        });
    }
    let mut ends = join_all(runs).await;
    ends.sort_by_key(|(_, end)| *end);
    assert!(ends.iter().is_sorted_by_key(|(number, _)| *number), "{ends:?}");
    // Those behind the first that waits do not ask in vain.
    let requests = lab.emulator.requests();
    let in_vain = count(&requests, |request| {
        request.operation == Some("Create Job") && request.status == 409
    });
    assert!(in_vain < 12, "{in_vain} of {} requests", requests.len());
}
