//! Large files.

use std::time::Duration;

use futures::future::OptionFuture;
use serde_json::json;

use super::moved::{Moved, Rows};
use super::round_count;
use crate::bench::Peers;
use crate::files::Files;
use crate::java::Java;
use crate::plain::{self, Took};
use crate::rclone::Rclone;
use crate::request::request;
use crate::services::Services;
use crate::table::Table;
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
    limit: Moved,
    rclone: Option<Moved>,
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
        for _ in 0..round_count() {
            let measuring = Measuring { shape, files: &files, round_trip: *round_trip };
            rounds.push(measuring.round(peers).await);
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

struct Measuring<'a> {
    shape: &'a Shape,
    files: &'a Files,
    round_trip: Duration,
}

/// Everybody has services of his own, since Azurite keeps in memory what was removed.
impl Measuring<'_> {
    async fn round(&self, peers: &Peers) -> Round {
        let (run, peak) = self.run().await;
        let limit = self.limit().await;
        let rclone = peers.rclone.as_ref().map(|rclone| self.rclone(rclone));
        let rclone = OptionFuture::from(rclone).await;
        let java = OptionFuture::from(peers.java.as_ref().map(|java| self.java(java))).await;
        Round { run, peak, limit, rclone, java }
    }

    async fn run(&self) -> (Run, f64) {
        let services = Services::start().await;
        let place = services.at(self.round_trip).await;
        self.files.clear();
        let mut request = request(&place, &self.files.working_dir(), "mv in out");
        if self.shape.comes_back {
            request["outputFiles"] = json!(["out/*"]);
        }
        let (run, measured) = worker::run_one(request).await;
        self.files.clear();
        (run, measured.peak)
    }

    async fn limit(&self) -> Moved {
        let services = Services::start().await;
        let place = services.at(self.round_trip).await;
        let put = plain::put(&place, self.files).await;
        let get = self.shape.comes_back.then(|| plain::get(&place, self.files));
        let moved = Moved { put, get: OptionFuture::from(get).await };
        self.files.clear();
        moved
    }

    async fn rclone(&self, rclone: &Rclone) -> Moved {
        let services = Services::start().await;
        let place = services.at(self.round_trip).await;
        let put = rclone.put(&place, &self.files.inputs(), "in").await;
        let back = self.files.back();
        let get = self.shape.comes_back.then(|| rclone.get(&place, "in", &back));
        let moved = Moved { put, get: OptionFuture::from(get).await };
        self.files.clear();
        moved
    }

    async fn java(&self, java: &Java) -> Took {
        let services = Services::start().await;
        java.put_one_by_one(&services.at(self.round_trip).await, self.files, self.files.count).await
    }
}

impl Rows<'_, Round> {
    fn add_inputs(&mut self, what: &str) {
        let staging = format!("{what} in: staging");
        self.add(&staging, ("s", "a plain loop"), |round| {
            Some((round.run.staging(), round.limit.put.seconds))
        });
        self.add(&staging, ("s", "rclone"), |round| {
            Some((round.run.staging(), round.rclone?.put.seconds))
        });
        self.add(&staging, ("s", "Java SDK"), |round| {
            Some((round.run.staging(), round.java?.seconds))
        });
        self.add(&format!("{what} in: CPU"), ("CPU-s", "a plain loop"), |round| {
            Some((round.run.cpu_between("start", "files.staged"), round.limit.put.cpu))
        });
    }

    fn add_outputs(&mut self, what: &str) {
        let collecting = format!("{what} out: collecting");
        self.add(&collecting, ("s", "a plain loop"), |round| {
            Some((round.run.collecting(), round.limit.get?.seconds))
        });
        self.add(&collecting, ("s", "rclone"), |round| {
            Some((round.run.collecting(), round.rclone?.get?.seconds))
        });
        self.add(&format!("{what} out: CPU"), ("CPU-s", "a plain loop"), |round| {
            Some((round.run.cpu_between("task.completed", "outcome"), round.limit.get?.cpu))
        });
    }
}
