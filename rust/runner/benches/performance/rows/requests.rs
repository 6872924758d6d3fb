//! What a run asks the services.

use std::time::Duration;

use serde_json::{Value, json};

use super::round_count;
use crate::files::{self, Files};
use crate::request::request;
use crate::services::{Place, Services};
use crate::table::{Sample, Table};
use crate::worker;

/// Operations by which a task is followed.
const POLLING: [&str; 3] = ["Get Task", "Get Task File", "Get Task File Properties"];
/// Files of the usual run.
const INPUTS: usize = 2;
const OUTPUTS: usize = 1;
/// Requests to Batch at most, besides polling.
const BESIDES: f64 = 7.0;
/// Requests to Batch at most, of a task of 2 s that is looked at every 100 ms.
const CLOSELY: f64 = 30.0;

/// Files of a run that has many, and requests to Blob Storage at most that clean up after it: 100 of 10,000 files.
const REMOVED: usize = 1_000;
const REMOVING: f64 = 10.0;

/// Requests to Batch, those of them that follow the task, requests to Blob Storage, and those of them that clean up.
#[derive(Clone, Copy)]
struct Asked {
    batch: f64,
    polling: f64,
    blob: f64,
    removing: f64,
}

pub(crate) async fn measure(table: &mut Table) {
    measure_usual(table).await;
    measure_clean_up(table).await;
}

async fn measure_clean_up(table: &mut Table) {
    let (files, mut samples) = (files::many(REMOVED), Vec::new());
    for _ in 0..round_count() {
        let asked = count(|place| request(place, &files.working_dir(), "true")).await;
        samples.push((asked.removing, REMOVING));
    }
    let what = format!("{REMOVED} files of 4 KiB in: clean-up, Blob Storage");
    table.add(what, Duration::ZERO, ("requests", "10"), &samples);
}

async fn measure_usual(table: &mut Table) {
    let (mut usual, mut closely) = (Vec::new(), Vec::new());
    let files = files::many(INPUTS);
    for _ in 0..round_count() {
        usual.push(count(|place| seed(place, &files)).await);
        files.clear();
        closely.push(count(|place| close_look(place, &files)).await);
    }
    let mut add = |what: &str, over: &str, samples: Vec<Sample>| {
        table.add(what, Duration::ZERO, ("requests", over), &samples);
    };
    let what = "a task of 2 s, 2 files in, 1 out";
    let files = (INPUTS + OUTPUTS) as f64;
    add(
        &format!("{what}: Batch, besides polling"),
        "7",
        usual.iter().map(|asked| (asked.batch - asked.polling, BESIDES)).collect(),
    );
    add(
        &format!("{what}: Batch, polling"),
        "its 2 s",
        usual.iter().map(|asked| (asked.polling, 2.0)).collect(),
    );
    add(
        &format!("{what}: Blob Storage"),
        "its 3 files",
        usual.iter().map(|asked| (asked.blob, files)).collect(),
    );
    add(
        "a task of 2 s, looked at every 100 ms: Batch",
        "30",
        closely.iter().map(|asked| (asked.batch, CLOSELY)).collect(),
    );
}

fn seed(place: &Place, files: &Files) -> Value {
    let mut request = request(place, &files.working_dir(), "sleep 2; mkdir out; cp in/0 out/");
    request["outputFiles"] = json!(["out/0"]);
    request
}

fn close_look(place: &Place, files: &Files) -> Value {
    let mut request = request(place, &files.working_dir(), "sleep 2");
    request["completionCheckInterval"] = json!(0.1);
    request
}

async fn count(request: impl FnOnce(&Place) -> Value) -> Asked {
    let services = Services::start_recording().await;
    let place = services.at(Duration::ZERO).await;
    worker::run_one(request(&place)).await;
    let batch = services.batch_requests();
    let polling = batch.iter().filter(|operation| POLLING.contains(&operation.as_str())).count();
    let blob = services.blob_requests().await;
    // The first that deletes begins the clean-up.
    let removing = blob.iter().skip_while(|line| !line.contains("RequestMethod=DELETE")).count();
    Asked {
        batch: batch.len() as f64,
        polling: polling as f64,
        blob: blob.len() as f64,
        removing: removing as f64,
    }
}
