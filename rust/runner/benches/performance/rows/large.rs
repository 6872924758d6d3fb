//! Large files.

use std::time::Duration;

use serde_json::json;

use super::ROUNDS;
use crate::bench::Peers;
use crate::files::Files;
use crate::java::Java;
use crate::plain::{self, Took};
use crate::rclone::Rclone;
use crate::request::request;
use crate::services::Services;
use crate::table::{Sample, Table};
use crate::worker::{self, Run};

/// The memory of the native side at any size, in MiB.
const MEMORY: f64 = 80.0;

/// How many, how large, and whether they are brought back.
pub(crate) struct Shape {
    pub(crate) files: usize,
    pub(crate) size: u64,
    pub(crate) comes_back: bool,
}

struct Round {
    run: Run,
    /// In MiB.
    peak: f64,
    limit: [Took; 2],
    rclone: Option<[Took; 2]>,
    java: Option<Took>,
}

pub(crate) async fn measure(
    shape: &Shape,
    round_trips: &[Duration],
    peers: &Peers,
    table: &mut Table,
) {
    let files = Files::new(shape.files, shape.size);
    for round_trip in round_trips {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(measure_round(shape, &files, *round_trip, peers).await);
        }
        let mut rows = Rows { table, round_trip: *round_trip, rounds: &rounds };
        let what = shape.in_words();
        rows.add_inputs(&what);
        if shape.comes_back {
            rows.add_outputs(&what);
        }
        rows.add(&format!("{what}: memory"), ("MiB", "80 MiB"), |round| Some((round.peak, MEMORY)));
    }
}

impl Shape {
    fn in_words(&self) -> String {
        let size = match self.size {
            size if size % (1 << 30) == 0 => format!("{} GiB", size >> 30),
            size if size % (1 << 20) == 0 => format!("{} MiB", size >> 20),
            size => format!("{} MB", size / 1_000_000),
        };
        if self.files == 1 { size } else { format!("{} files of {size}", self.files) }
    }
}

/// Everybody has services of his own, since Azurite keeps in memory what was removed.
async fn measure_round(shape: &Shape, files: &Files, round_trip: Duration, peers: &Peers) -> Round {
    let (run, peak) = run(shape, files, round_trip).await;
    let limit = limit(files, round_trip).await;
    let rclone = match &peers.rclone {
        Some(rclone) => Some(by_rclone(rclone, files, round_trip).await),
        None => None,
    };
    let java = match &peers.java {
        Some(java) => Some(by_java(java, files, round_trip).await),
        None => None,
    };
    Round { run, peak, limit, rclone, java }
}

async fn run(shape: &Shape, files: &Files, round_trip: Duration) -> (Run, f64) {
    let services = Services::start().await;
    let place = services.at(round_trip).await;
    files.clear();
    let mut request = request(&place, &files.working_dir(), "mv in out");
    if shape.comes_back {
        request["outputFiles"] = json!(["out/*"]);
    }
    let (run, measured) = worker::run_one(request).await;
    files.clear();
    (run, measured.peak)
}

async fn limit(files: &Files, round_trip: Duration) -> [Took; 2] {
    let services = Services::start().await;
    let place = services.at(round_trip).await;
    let took = [plain::put(&place, files).await, plain::get(&place, files).await];
    files.clear();
    took
}

async fn by_rclone(rclone: &Rclone, files: &Files, round_trip: Duration) -> [Took; 2] {
    let services = Services::start().await;
    let place = services.at(round_trip).await;
    let put = rclone.put(&place, &files.inputs(), "in").await;
    let took = [put, rclone.get(&place, "in", &files.back()).await];
    files.clear();
    took
}

async fn by_java(java: &Java, files: &Files, round_trip: Duration) -> Took {
    let services = Services::start().await;
    java.put_one_by_one(&services.at(round_trip).await, files, files.count).await
}

struct Rows<'a> {
    table: &'a mut Table,
    round_trip: Duration,
    rounds: &'a [Round],
}

impl Rows<'_> {
    /// A row, unless it is about a peer that is not there.
    fn add(&mut self, what: &str, over: (&str, &str), sample: impl Fn(&Round) -> Option<Sample>) {
        let samples: Option<Vec<_>> = self.rounds.iter().map(sample).collect();
        if let Some(samples) = samples {
            self.table.add(what, self.round_trip, over, &samples);
        }
    }

    fn add_inputs(&mut self, what: &str) {
        let staging = format!("{what} in: staging");
        self.add(&staging, ("s", "a plain loop"), |round| {
            Some((round.run.staging(), round.limit[0].seconds))
        });
        self.add(&staging, ("s", "rclone"), |round| {
            Some((round.run.staging(), round.rclone?[0].seconds))
        });
        self.add(&staging, ("s", "Java SDK"), |round| {
            Some((round.run.staging(), round.java?.seconds))
        });
        self.add(&format!("{what} in: CPU"), ("CPU-s", "a plain loop"), |round| {
            Some((round.run.cpu_between("start", "files.staged"), round.limit[0].cpu))
        });
    }

    fn add_outputs(&mut self, what: &str) {
        let collecting = format!("{what} out: collecting");
        self.add(&collecting, ("s", "a plain loop"), |round| {
            Some((round.run.collecting(), round.limit[1].seconds))
        });
        self.add(&collecting, ("s", "rclone"), |round| {
            Some((round.run.collecting(), round.rclone?[1].seconds))
        });
        self.add(&format!("{what} out: CPU"), ("CPU-s", "a plain loop"), |round| {
            Some((round.run.cpu_between("task.completed", "outcome"), round.limit[1].cpu))
        });
    }
}
