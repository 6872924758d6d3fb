//! Many runs at once in one worker.

use std::time::Duration;

use super::ROUNDS;
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
        for _ in 0..ROUNDS {
            let services = Services::start().await;
            let place = services.at(Duration::ZERO).await;
            let (alone, crowd) = (run(&place, 1).await, run(&place, *count).await);
            rounds.push(Round { alone, crowd });
        }
        add(table, *count, &rounds);
    }
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
