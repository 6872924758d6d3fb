//! Many small files.

use std::time::Duration;

use futures::future::OptionFuture;
use serde_json::json;
use tokio::join;

use super::moved::{Moved, Rows};
use super::{FAR, round_count};
use crate::bench::Peers;
use crate::files::{self, Files};
use crate::java::Java;
use crate::plain::{self, Took};
use crate::rclone::Rclone;
use crate::request::request;
use crate::services::{Place, Services};
use crate::table::Table;
use crate::worker::{self, Run};

/// How many.
pub(crate) struct Shape {
    pub(crate) files: usize,
    pub(crate) outputs: usize,
    /// Of the files, those that others move; their time is multiplied.
    pub(crate) by_others: usize,
    /// There are so many that Azurite, which takes more than a millisecond for each, would be what is measured.
    pub(crate) in_store: bool,
}

struct Round {
    run: Run,
    cpu: f64,
    one_by_one: Moved,
    rclone: Option<Moved>,
    java: Option<Took>,
}

/// What is moved.
struct Set<'a> {
    shape: &'a Shape,
    files: Files,
    /// Those for others that take a directory.
    some: Files,
    outputs: Files,
}

pub(crate) async fn measure(
    shape: &Shape,
    round_trips: &[Duration],
    peers: &Peers,
    table: &mut Table,
) {
    let [files, some, outputs] = [shape.files, shape.by_others, shape.outputs].map(files::many);
    let set = Set { shape, files, some, outputs };
    for round_trip in round_trips {
        let mut rounds = Vec::new();
        for _ in 0..round_count() {
            let services = shape.services().await;
            let place = services.at(*round_trip).await;
            rounds.push(set.round(&place, peers, *round_trip >= FAR).await);
        }
        let mut rows = Rows { table, round_trip: *round_trip, rounds: &rounds };
        rows.add_inputs(shape.files);
        if shape.outputs > 0 {
            rows.add_outputs(shape.outputs);
        }
        rows.add_whole(shape);
    }
}

impl Shape {
    async fn services(&self) -> Services {
        if self.in_store { Services::start_with_store().await } else { Services::start().await }
    }
}

impl Set<'_> {
    /// Far away the others only wait, and may do so at the same time.
    async fn round(&self, place: &Place, peers: &Peers, at_once: bool) -> Round {
        let (run, cpu) = self.run(place).await;
        let one_by_one = self.one_by_one(place);
        let rclone = OptionFuture::from(peers.rclone.as_ref().map(|peer| self.rclone(peer, place)));
        let java = OptionFuture::from(peers.java.as_ref().map(|peer| self.java(peer, place)));
        let (one_by_one, rclone, java) = if at_once {
            join!(one_by_one, rclone, java)
        } else {
            (one_by_one.await, rclone.await, java.await)
        };
        Round { run, cpu, one_by_one, rclone, java }
    }

    async fn run(&self, place: &Place) -> (Run, f64) {
        self.files.clear();
        let outputs = self.shape.outputs;
        let script = format!("mkdir out; for n in $(seq {outputs}); do cp in/$((n-1)) out/; done");
        let mut request = request(place, &self.files.working_dir(), &script);
        if outputs > 0 {
            request["outputFiles"] = json!(["out/*"]);
        }
        let (run, measured) = worker::run_one(request).await;
        self.files.clear();
        (run, measured.cpu)
    }

    async fn one_by_one(&self, place: &Place) -> Moved {
        let put = plain::put_one_by_one(place, &self.files, self.shape.by_others).await;
        let outputs = self.shape.outputs;
        let get = (outputs > 0).then(|| plain::get_one_by_one(place, &self.files, outputs));
        Moved { put: self.times(put), get: OptionFuture::from(get).await }
    }

    async fn rclone(&self, rclone: &Rclone, place: &Place) -> Moved {
        let put = rclone.put(place, &self.some.inputs(), "in").await;
        let get = (self.shape.outputs > 0).then(|| self.back_by_rclone(rclone, place));
        Moved { put: self.times(put), get: OptionFuture::from(get).await }
    }

    async fn back_by_rclone(&self, rclone: &Rclone, place: &Place) -> Took {
        // What is there already is not brought again.
        self.outputs.clear();
        rclone.put(place, &self.outputs.inputs(), "out").await;
        rclone.get(place, "out", &self.outputs.back()).await
    }

    async fn java(&self, java: &Java, place: &Place) -> Took {
        self.times(java.put_one_by_one(place, &self.files, self.shape.by_others).await)
    }

    /// For all files, of what some of them took.
    fn times(&self, took: Took) -> Took {
        took.times(self.shape.files as f64 / self.shape.by_others as f64)
    }
}

impl Rows<'_, Round> {
    fn add_inputs(&mut self, count: usize) {
        let what = format!("{count} files of 4 KiB in: staging");
        self.add(&what, ("s", "one by one"), |round| {
            Some((round.run.staging(), round.one_by_one.put.seconds))
        });
        self.add(&what, ("s", "Java SDK"), |round| {
            Some((round.run.staging(), round.java?.seconds))
        });
        self.add(&what, ("s", "rclone"), |round| {
            Some((round.run.staging(), round.rclone?.put.seconds))
        });
        self.add(&format!("{count} files of 4 KiB in: clean-up"), ("s", "staging"), |round| {
            Some((round.run.between("outcome", "end"), round.run.staging()))
        });
    }

    fn add_outputs(&mut self, count: usize) {
        let what = format!("{count} files of 4 KiB out: collecting");
        self.add(&what, ("s", "one by one"), |round| {
            Some((round.run.collecting(), round.one_by_one.get?.seconds))
        });
        self.add(&what, ("s", "rclone"), |round| {
            Some((round.run.collecting(), round.rclone?.get?.seconds))
        });
    }

    fn add_whole(&mut self, shape: &Shape) {
        let Shape { files, outputs, .. } = shape;
        let what = format!("{files} files of 4 KiB in, {outputs} out");
        let result = format!("{what}: result without the node's time");
        self.add(&result, ("s", "one by one"), |round| {
            Some((round.run.result_without_node(), round.one_by_one.sum(|took| took.seconds)))
        });
        self.add(&format!("{what}: CPU"), ("CPU-s", "one by one"), |round| {
            Some((round.cpu, round.one_by_one.sum(|took| took.cpu)))
        });
    }
}
