//! The time to the result of a task, and how late its log is.

use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tempfile::TempDir;

use super::round_count;
use crate::request::request;
use crate::services::{Place, Services};
use crate::table::{Sample, Table};
use crate::worker::{self, Run};

/// Tasks by the seconds that they take.
pub(crate) struct Lengths {
    /// Each in a worker of its own.
    pub(crate) one_by_one: &'static [u32],
    /// All at once, since they only wait; the rounds of each in one worker. They write a line a second.
    pub(crate) at_once: &'static [u32],
}

pub(crate) async fn measure(lengths: &Lengths, round_trips: &[Duration], table: &mut Table) {
    let (services, empty) = (Services::start().await, tempfile::tempdir().unwrap());
    for round_trip in round_trips {
        let place = services.at(*round_trip).await;
        for seconds in lengths.one_by_one {
            let mut runs = Vec::new();
            for _ in 0..round_count() {
                let request = task(&place, &empty, &format!("sleep {seconds}"));
                runs.push(worker::run_one(request).await.0);
            }
            add_result(table, *seconds, *round_trip, &runs);
        }
    }
    let mut at_once = Vec::new();
    for round_trip in round_trips {
        for seconds in lengths.at_once {
            at_once.push(run_at_once(&services, &empty, *seconds, *round_trip));
        }
    }
    for (seconds, round_trip, mut runs) in join_all(at_once).await {
        add_result(table, seconds, round_trip, &runs);
        let lags: Vec<Sample> = runs.iter_mut().map(|run| (median(&mut run.lags), 1.0)).collect();
        let what = format!("log lag of a line a second, for {seconds} s");
        table.add(what, round_trip, ("s", "1 s"), &lags);
    }
}

async fn run_at_once(
    services: &Services,
    empty: &TempDir,
    seconds: u32,
    round_trip: Duration,
) -> (u32, Duration, Vec<Run>) {
    let place = services.at(round_trip).await;
    let script = format!("for n in $(seq {seconds}); do date +%s.%N; sleep 1; done");
    let requests: Vec<_> = (0..round_count()).map(|_| task(&place, empty, &script)).collect();
    (seconds, round_trip, worker::run(&requests).await.runs)
}

/// Nothing goes in.
fn task(place: &Place, empty: &TempDir, script: &str) -> Value {
    request(place, empty.path(), script)
}

fn add_result(table: &mut Table, seconds: u32, round_trip: Duration, runs: &[Run]) {
    // No time can be divided by that of a task that takes none.
    let (over, words) = match seconds {
        0 => (1.0, "1 s".to_owned()),
        seconds => (f64::from(seconds), format!("its {seconds} s")),
    };
    let samples: Vec<Sample> = runs.iter().map(|run| (run.result(), over)).collect();
    table.add(format!("a task of {seconds} s: result"), round_trip, ("s", &words), &samples);
}

pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
