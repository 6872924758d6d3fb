//! Many runs at once in one worker.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;

use super::round_count;
use super::tasks::median;
use crate::request::request;
use crate::services::{Place, Services};
use crate::table::{Sample, Table};
use crate::worker::{self, Measured};

/// Threads of the native side at most, and MiB of a run.
const THREADS: f64 = 4.0;
const MEMORY: f64 = 0.2;

struct Round {
    alone: Measured,
    crowd: Measured,
}

pub(crate) async fn measure(crowds: &[usize], table: &mut Table) {
    for count in crowds {
        let mut rounds = Vec::new();
        for _ in 0..round_count() {
            let services = Services::start().await;
            let place = services.at(Duration::ZERO).await;
            let (alone, crowd) = (run(&place, 1).await, run(&place, *count).await);
            rounds.push(Round { alone, crowd });
        }
        add(table, *count, &rounds);
    }
}

/// Tasks that write a line a second, on an account that takes so many requests a second.
pub(crate) async fn measure_throttled(count: usize, limit: NonZeroU32, table: &mut Table) {
    const SCRIPT: &str = "for n in $(seq 10); do date +%s.%N; sleep 1; done";
    let (mut lags, mut results) = (Vec::new(), Vec::new());
    for _ in 0..round_count() {
        let services = Services::start_throttled(limit).await;
        let (place, empty) = (services.at(Duration::ZERO).await, tempfile::tempdir().unwrap());
        let task = |_| without_files(request(&place, empty.path(), SCRIPT));
        let measured = worker::run(&(0..count).map(task).collect::<Vec<_>>()).await;
        let mut all: Vec<f64> = measured.runs.iter().flat_map(|run| run.lags.clone()).collect();
        lags.push((median(&mut all), 1.0));
        let least = services.batch_requests().len() as f64 / f64::from(limit.get());
        results.push((last_result(&measured), least));
    }
    let what = format!("{count} runs at once, {limit} requests a second");
    let mut add = |row: &str, over: &str, samples: &[Sample]| {
        table.add(format!("{what}: {row}"), Duration::ZERO, ("s", over), samples);
    };
    add("log lag", "1 s", &lags);
    add("the last result", "all requests at that rate", &results);
}

fn without_files(mut request: Value) -> Value {
    request["blobStorage"] = Value::Null;
    request
}

async fn run(place: &Place, count: usize) -> Measured {
    let empty = tempfile::tempdir().unwrap();
    let task = |_| request(place, empty.path(), "echo begins; sleep 5; echo ends");
    worker::run(&(0..count).map(task).collect::<Vec<_>>()).await
}

fn add(table: &mut Table, count: usize, rounds: &[Round]) {
    let mut row = |what: &str, over: (&str, &str), sample: &dyn Fn(&Round) -> Sample| {
        let samples: Vec<Sample> = rounds.iter().map(sample).collect();
        table.add(format!("{count} runs at once: {what}"), Duration::ZERO, over, &samples);
    };
    row("threads", ("threads", "4 threads"), &|round| (round.crowd.threads as f64, THREADS));
    row("memory of each", ("MiB", "0.2 MiB"), &|Round { alone, crowd }| {
        ((crowd.peak - alone.peak) / (count - 1) as f64, MEMORY)
    });
    row("the last result", ("s", "a run alone"), &|Round { alone, crowd }| {
        (last_result(crowd), last_result(alone))
    });
}

fn last_result(measured: &Measured) -> f64 {
    measured.runs.iter().map(worker::Run::result).fold(0.0, f64::max)
}
