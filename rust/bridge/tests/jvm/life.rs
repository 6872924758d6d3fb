//! What many runs and many class loaders leave in a JVM: nothing.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Jvm, built, line, request};

/// A heap that is all there from the beginning, so that only what is beside it can grow.
const STEADY: [&str; 5] = [
    "-XX:+UseSerialGC",
    "-Xms64m",
    "-Xmx64m",
    "-XX:+AlwaysPreTouch",
    "-XX:-UseDynamicNumberOfCompilerThreads",
];
/// What the memory of a JVM varies by: 20 leaked libraries or 1,000 leaked runs would be more.
const NOISE_KIB: i64 = 16 * 1024;
const IMAGE: &str = "ubuntu:latest";
const ACCOUNT: &str = "lifebatch";
const KEY: &str = "bGlmZS1iYXRjaC1rZXk=";

/// The emulator as a program: as a library it would lend features to the library under test.
struct Service {
    program: Child,
    endpoint: String,
    _image: TempDir,
}

impl Service {
    fn start() -> Self {
        let image = tempfile::tempdir().unwrap();
        let mut program = Command::new(program())
            .args(["--listen", "127.0.0.1:0", "--account", ACCOUNT, "--key", KEY])
            .args(["--pool", "pool:slots=64", "--image"])
            .arg(format!("{IMAGE}={}", image.path().display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let endpoint = said.strip_prefix("listening on ").unwrap_or_else(|| panic!("{said}"));
        Self { program, endpoint: endpoint.trim().to_owned(), _image: image }
    }

    /// For a run without files.
    fn request(&self) -> Value {
        let mut request = request(&self.endpoint);
        request["account"] = ACCOUNT.into();
        request["accessKey"] = KEY.into();
        request["containerImage"] = IMAGE.into();
        request["commands"] = json!(["/bin/sh", "-c", "$script"]);
        for absent in ["blobStorage", "registry"] {
            request[absent] = Value::Null;
        }
        request["outputDir"] = Value::Null;
        request["outputFiles"] = json!([]);
        request
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

fn program() -> PathBuf {
    let program = built("azure-batch-emulator");
    assert!(program.exists(), "there is no emulator: cargo build -p azure-batch-emulator");
    program
}

/// What the JVM printed of itself before and after some work.
struct Growth {
    before: String,
    after: String,
    /// How many of the runs that were to end in some way did so.
    as_meant: usize,
}

impl Growth {
    fn measure(what: &str, count: usize) -> Self {
        let service = Service::start();
        let jvm = Jvm::new().with(&STEADY);
        let request = jvm.file(&service.request());
        let text = jvm.check("LifeCheck", &[what, &count.to_string(), &request]);
        println!("{text}");
        Self {
            before: line(&text, "before: ").to_owned(),
            after: line(&text, "after: ").to_owned(),
            as_meant: line(&text, "as meant: ").parse().unwrap(),
        }
    }

    fn of(&self, figure: &str) -> i64 {
        value(&self.after, figure) - value(&self.before, figure)
    }

    fn assert_none(&self) {
        for figure in ["ours", "sockets"] {
            assert_eq!(value(&self.after, figure), 0, "{figure}: {}", self.after);
        }
        // The JVM may keep the last one mapped for a while.
        assert!(value(&self.after, "libraries") <= 1, "{}", self.after);
        for figure in ["threads", "files"] {
            assert_eq!(self.of(figure), 0, "{figure}: {} / {}", self.before, self.after);
        }
        assert!(self.of("rss") < NOISE_KIB, "{} / {}", self.before, self.after);
    }
}

fn value(state: &str, figure: &str) -> i64 {
    let value = state.split(' ').find_map(|part| part.strip_prefix(&format!("{figure}=")));
    value.unwrap_or_else(|| panic!("{figure}: {state}")).parse().unwrap()
}

#[test]
fn a_thousand_runs_leave_nothing() {
    let growth = Growth::measure("runs", 1000);
    growth.assert_none();
    assert!(growth.as_meant > 500, "of 600 that are seen to their end: {}", growth.as_meant);
}

#[test]
fn class_loaders_that_come_and_go_leave_nothing() {
    let growth = Growth::measure("loaders", 20);
    growth.assert_none();
    assert!(growth.as_meant > 15, "of 20 runs: {}", growth.as_meant);
}
