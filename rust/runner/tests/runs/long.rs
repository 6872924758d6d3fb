//! Many files and large ones. They take minutes: `make long`.

mod store;
mod throttled;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rand::{Rng, SeedableRng, rngs::StdRng};
use runner::{Level, Status};
use serde_json::{Value, json};
use walkdir::WalkDir;

use self::store::Store;
use crate::memory::{peak, reset_peak};
use crate::outputs;
use crate::support::{Lab, Report};

const MIB: u64 = 1 << 20;

/// A request whose limits do not matter.
fn request(lab: &Lab, script: &str) -> Value {
    let mut request = lab.request(script);
    request["waitUntilCompletion"] = json!(2 * 60 * 60);
    request
}

/// Prints what a run took, for docs/limits.md.
fn print(report: &Report, start: Instant) {
    let told = |(level, text): &(Level, String)| (*level == Level::Info).then(|| text.clone());
    let times = &report.outcome().details.as_ref().unwrap().times;
    println!("{}", report.notes.iter().filter_map(told).collect::<Vec<_>>().join("\n"));
    println!("{times:?}, {:?} in all, at most {} MiB", start.elapsed(), peak() / 1024);
}

/// Writes files of up to 2 KiB, `in/0000` and so on, and returns their names.
fn write_random_files(lab: &Lab, count: usize) -> Vec<String> {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let width = (count - 1).to_string().len();
    let names: Vec<_> = (0..count).map(|n| format!("in/{n:0width$}")).collect();
    for name in &names {
        let mut content = vec![0; random.random_range(0..2048)];
        random.fill(content.as_mut_slice());
        lab.write(name, &content);
    }
    names
}

/// What a shell command prints in the working directory on this side.
fn local(lab: &Lab, script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).current_dir(lab.dir.path()).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
#[ignore = "make long runs it"]
fn what_comes_back_of_five_hundred_trees_is_what_kestra_takes_in_a_local_run() {
    outputs::check_trees(500);
}

#[tokio::test]
#[ignore = "make long runs it"]
async fn ten_thousand_files_go_in_and_a_thousand_come_out_byte_by_byte() {
    let lab = Lab::start().await;
    let inputs = write_random_files(&lab, 10_000);
    // Each of the outputs is ten of the inputs.
    let script = "mkdir out; for n in $(seq -f %03g 0 999); do cat in/$n? > out/$n; done";
    let mut request = request(&lab, script);
    request["outputFiles"] = (0..1000).map(|n| format!("out/{n:03}")).collect();
    let start = Instant::now();
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    for (n, ten) in inputs.chunks(10).enumerate() {
        let expected: Vec<_> = ten.iter().flat_map(|name| lab.read(name)).collect();
        assert!(lab.read(&format!("out/{n:03}")) == expected, "out/{n:03}");
    }
    assert_eq!(lab.blobs().await, [""; 0]);
    print(&report, start);
}

#[tokio::test]
#[ignore = "make long runs it"]
async fn a_hundred_thousand_files_go_in() {
    let (lab, store) = (Lab::start().await, Store::start().await);
    write_random_files(&lab, 100_000);
    let digests = "cd in && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum";
    let mut request = request(&lab, digests);
    request["blobStorage"]["endpoint"] = json!(store.endpoint);
    let start = Instant::now();
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{:?}", report.outcome());
    assert_eq!(report.stdout, [local(&lab, digests).trim_end()]);
    assert_eq!(store.blobs.lock().unwrap().len(), 0);
    print(&report, start);
}

#[tokio::test]
#[ignore = "make long runs it"]
async fn the_packages_of_a_python_task_go_in() {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/packages");
    if !packages.is_dir() {
        println!("not run: there is no build/packages; `make long` puts numpy and pandas there");
        return;
    }
    let lab = Lab::start().await;
    let inputs = copy(&packages, &lab);
    let python = "import numpy, pandas; print(pandas.Series(numpy.arange(4)).sum())";
    let script = format!("PYTHONPATH=$PWD/packages /usr/bin/python3 -c '{python}'");
    let request = request(&lab, &script);
    println!("{} files", inputs.len());
    let start = Instant::now();
    let report = lab.run(&request).await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert_eq!(report.stdout, ["6"]);
    print(&report, start);
}

/// Puts all files of a directory below `packages`, and returns their names.
fn copy(from: &Path, lab: &Lab) -> Vec<String> {
    let files = WalkDir::new(from).into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file());
    files
        .map(|file| {
            let name = file.path().strip_prefix(from).unwrap().to_str().unwrap();
            let name = format!("packages/{name}");
            lab.write(&name, &fs::read(file.path()).unwrap());
            name
        })
        .collect()
}

#[tokio::test]
#[ignore = "make long runs it"]
async fn a_file_of_5_gib_goes_in_and_out_within_the_memory_budget() {
    // In memory, Azurite would take twice as much of it.
    let lab = Lab::start_on_disk().await;
    let digest = write_sparse_file(&lab, "large", 5 << 30);
    let mut request = request(&lab, "mv large back");
    request["outputFiles"] = json!(["back"]);
    let start = Instant::now();
    let mut run = lab.start_run(&request);
    let before = reset_peak();
    run.until_note("Job ").await;
    let staging = peak() - before;
    // Only then the emulator, which is in this process too, rests again.
    run.until_note("The Batch task is completed").await;
    let before = reset_peak();
    run.until_outcome().await;
    let collecting = peak() - before;
    let report = run.ended().await;
    assert_eq!(report.outcome().status, Status::Succeeded, "{report:?}");
    assert!(digest_of(&lab.dir.path().join("back")) == digest);
    println!("staging {staging} KiB, collecting {collecting} KiB more");
    print(&report, start);
    for growth in [staging, collecting] {
        assert!(growth < 64 * 1024, "{growth} KiB");
    }
}

/// Zeros, with a random MiB here and there.
fn write_sparse_file(lab: &Lab, name: &str, size: u64) -> String {
    let path = lab.dir.path().join(name);
    let file = File::create(&path).unwrap();
    file.set_len(size).unwrap();
    let mut random = StdRng::seed_from_u64(5);
    let mut block = vec![0; MIB as usize];
    for start in [0, 4 * MIB - 1, size / 3, (1 << 32) - 7, size - MIB] {
        random.fill(block.as_mut_slice());
        file.write_all_at(&block, start).unwrap();
    }
    digest_of(&path)
}

fn digest_of(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}
