//! Many small files.

use std::time::Duration;

use serde_json::json;

use super::ROUNDS;
use crate::bench::Peers;
use crate::files::{self, Files};
use crate::plain::{self, Took};
use crate::request::request;
use crate::services::{Place, Services};
use crate::table::{Sample, Table};
use crate::worker::{self, Run};

/// How many.
pub(crate) struct Shape {
    pub(crate) files: usize,
    pub(crate) outputs: usize,
    /// Of the files, those that go one by one.
    pub(crate) one_by_one: usize,
}

struct Round {
    run: Run,
    cpu: f64,
    one_by_one: [Took; 2],
    rclone: Option<[Took; 2]>,
    java: Option<Took>,
}

pub(crate) async fn measure(
    shape: &Shape,
    round_trips: &[Duration],
    peers: &Peers,
    table: &mut Table,
) {
    let (files, outputs) = (files::many(shape.files), files::many(shape.outputs));
    for round_trip in round_trips {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let services = Services::start().await;
            let place = services.at(*round_trip).await;
            rounds.push(measure_round(shape, &files, &outputs, &place, peers).await);
        }
        let mut rows = Rows { table, round_trip: *round_trip, rounds: &rounds };
        rows.add_inputs(shape.files);
        if shape.outputs > 0 {
            rows.add_outputs(shape.outputs);
        }
        rows.add_whole(shape);
    }
}

async fn measure_round(
    shape: &Shape,
    files: &Files,
    outputs: &Files,
    place: &Place,
    peers: &Peers,
) -> Round {
    let (run, cpu) = run(shape, files, place).await;
    let put = plain::put_one_by_one(place, files, shape.one_by_one).await;
    let some = shape.outputs.min(shape.one_by_one);
    let get = plain::get_one_by_one(place, files, some).await;
    let rclone = match &peers.rclone {
        Some(rclone) => {
            let put = rclone.put(place, &files.inputs(), "in").await;
            rclone.put(place, &outputs.inputs(), "out").await;
            Some([put, rclone.get(place, "out", &files.back()).await])
        }
        None => None,
    };
    let java = match &peers.java {
        Some(java) => Some(java.put_one_by_one(place, files, shape.one_by_one).await),
        None => None,
    };
    let all = |took: Took| took.times(shape.files as f64 / shape.one_by_one as f64);
    let outs = |took: Took| took.times(shape.outputs as f64 / some.max(1) as f64);
    Round { run, cpu, one_by_one: [all(put), outs(get)], rclone, java: java.map(all) }
}

async fn run(shape: &Shape, files: &Files, place: &Place) -> (Run, f64) {
    files.clear();
    let outputs = shape.outputs;
    let script = format!("mkdir out; for n in $(seq {outputs}); do cp in/$((n-1)) out/; done");
    let mut request = request(place, &files.working_dir(), &script);
    if outputs > 0 {
        request["outputFiles"] = json!(["out/*"]);
    }
    let (run, measured) = worker::run_one(request).await;
    files.clear();
    (run, measured.cpu)
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

    fn add_inputs(&mut self, count: usize) {
        let what = format!("{count} files of 4 KiB in: staging");
        self.add(&what, ("s", "one by one"), |round| {
            Some((round.run.staging(), round.one_by_one[0].seconds))
        });
        self.add(&what, ("s", "Java SDK"), |round| {
            Some((round.run.staging(), round.java?.seconds))
        });
        self.add(&what, ("s", "rclone"), |round| {
            Some((round.run.staging(), round.rclone?[0].seconds))
        });
        self.add(&format!("{count} files of 4 KiB in: clean-up"), ("s", "staging"), |round| {
            Some((round.run.between("outcome", "end"), round.run.staging()))
        });
    }

    fn add_outputs(&mut self, count: usize) {
        let what = format!("{count} files of 4 KiB out: collecting");
        self.add(&what, ("s", "one by one"), |round| {
            Some((round.run.collecting(), round.one_by_one[1].seconds))
        });
        self.add(&what, ("s", "rclone"), |round| {
            Some((round.run.collecting(), round.rclone?[1].seconds))
        });
    }

    fn add_whole(&mut self, shape: &Shape) {
        let Shape { files, outputs, .. } = shape;
        let what = format!("{files} files of 4 KiB in, {outputs} out");
        let result = format!("{what}: result without the node's time");
        self.add(&result, ("s", "one by one"), |round| {
            let one_by_one: f64 = round.one_by_one.iter().map(|took| took.seconds).sum();
            Some((round.run.result_without_node(), one_by_one))
        });
        self.add(&format!("{what}: CPU"), ("CPU-s", "one by one"), |round| {
            Some((round.cpu, round.one_by_one.iter().map(|took| took.cpu).sum()))
        });
    }
}
