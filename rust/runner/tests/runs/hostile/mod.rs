//! Whatever a flow, a task or a service throws at a run: it ends in time, with an outcome, within little memory, and no
//! byte goes where it should not.

mod files;
mod service;

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use runner::{Event, Network, Plan, Request, RetryPolicy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use service::{Service, Word, word};

const FIXTURE: &str = include_str!("../../../../../tests/fixtures/request.json");

/// All that the process may ask of the system, test and services included, in bytes.
const MEMORY: u64 = 256 * 1024 * 1024;

/// What no case comes near.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file beside the working directory.
const SECRET: &str = "canary-of-the-worker";
const KEY: &str = "Y2FuYXJ5LWtleS1vZi10aGUtYWNjb3VudA==";

/// What a flow may hold.
#[derive(Clone, Debug)]
struct Flow {
    patterns: Vec<String>,
    connection: String,
    inputs: Vec<(String, Entry)>,
}

/// What may be in a working directory.
#[derive(Clone, Copy, Debug)]
enum Entry {
    File(usize),
    Fifo,
    Leak,
    Way,
    Dangling,
}

/// Pieces of patterns, up to 4 KB of them.
fn pattern() -> impl Strategy<Value = String> {
    let pieces = [
        "{a,b}", "**", "a**", "*", "?", "[a-z]", "[!", "]", "{", "}", ",", "/", "\\", "..", "x",
        ".", "é",
    ];
    let repeated = (prop::sample::select(pieces.to_vec()), 1..200_usize);
    let pieces =
        prop::collection::vec(repeated.prop_map(|(piece, count)| piece.repeat(count)), 1..8);
    prop_oneof![12 => Just("out/*".to_owned()), 2 => pieces.prop_map(|pieces| {
        let mut text: String = pieces.concat();
        text.truncate((0..=4096).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0));
        text
    })]
}

fn connection() -> impl Strategy<Value = String> {
    let pieces = [
        "AccountName=acct",
        ";",
        "=",
        "\"",
        "'",
        "\n",
        " ",
        "AccountKey=",
        "BlobEndpoint=",
        "http://",
        "SharedAccessSignature=sig=",
    ];
    let odd = prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..10);
    prop_oneof![
        20 => Just("AccountName=acct;AccountKey=KEY;BlobEndpoint=ENDPOINT".to_owned()),
        1 => odd.prop_map(|pieces| pieces.concat() + KEY),
        1 => "\\PC{0,80}",
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        20 => (0..200_000_usize).prop_map(Entry::File),
        1 => Just(Entry::Fifo),
        1 => Just(Entry::Leak),
        1 => Just(Entry::Way),
        1 => Just(Entry::Dangling),
    ]
}

fn flow() -> impl Strategy<Value = Flow> {
    let inputs = prop::collection::vec(("[ab]/[a-e]|out|[c-h]", entry()), 0..5);
    (prop::collection::vec(pattern(), 0..4), connection(), inputs)
        .prop_map(|(patterns, connection, inputs)| Flow { patterns, connection, inputs })
}

/// The working directory, in a directory that holds a secret.
fn lay_out(flow: &Flow) -> TempDir {
    let outer = tempfile::tempdir().unwrap();
    let wd = outer.path().join("wd");
    std::fs::create_dir(&wd).unwrap();
    std::fs::write(outer.path().join("secret"), SECRET).unwrap();
    for (name, entry) in &flow.inputs {
        let path = wd.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).ok();
        if path.symlink_metadata().is_ok() {
            continue;
        }
        let _ = match entry {
            Entry::File(size) => std::fs::write(&path, vec![b'x'; *size]),
            Entry::Fifo => {
                nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).map_err(Into::into)
            }
            Entry::Leak => symlink(outer.path().join("secret"), &path),
            Entry::Way => symlink(outer.path(), &path),
            Entry::Dangling => symlink("nothing", &path),
        };
    }
    outer
}

fn request(flow: &Flow, service: &Service, outer: &Path) -> Value {
    let mut request: Value = serde_json::from_str(FIXTURE).unwrap();
    let connection = flow.connection.replace("ENDPOINT", &format!("{}/acct", service.endpoint));
    let fields = json!({
        "accessKey": KEY,
        "endpoint": service.endpoint,
        "blobStorage": {"containerName": "data", "connectionString": connection.replace("KEY", KEY)},
        "registry": null,
        "localWorkingDir": outer.join("wd"),
        "outputFiles": flow.patterns,
        // Blobs would have to be listed as they were written.
        "resume": false,
        "waitUntilCompletion": 1.5,
        "waitUntilRunning": null,
        "completionCheckInterval": 0.1,
    });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

/// All that a run told, as text. None: there was an error before it began, and here it is.
async fn told(request: &Value, network: &Network) -> Result<String, String> {
    let request =
        Request::from_json(&request.to_string()).map_err(|invalid| invalid.to_string())?;
    let retry =
        RetryPolicy { attempts: 3, base: Duration::from_millis(1), max: Duration::from_millis(5) };
    let plan = Plan::with_retry(request, network, retry).map_err(|invalid| invalid.to_string())?;
    let (events, mut pull) = runner::channel();
    let run = tokio::spawn(runner::run(plan, events, CancellationToken::new()));
    let (mut told, mut outcomes) = (String::new(), 0);
    loop {
        let events = pull.next().await;
        pull.acknowledge();
        for event in &events {
            if let Event::Select { patterns, names, .. } = event {
                pull.select(vec![(0..names.len()).collect(); patterns.len()]);
            }
        }
        outcomes += events.iter().filter(|event| matches!(event, Event::Outcome(_))).count();
        told += &format!("{events:?}");
        if events.is_empty() {
            break;
        }
    }
    run.await.unwrap();
    assert_eq!(outcomes, 1, "{told}");
    assert!(!told.contains("panicked"), "{told}");
    Ok(told)
}

/// What the directory around the working directory holds.
fn around(outer: &Path) -> BTreeMap<String, Option<String>> {
    let entries = std::fs::read_dir(outer).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let content = std::fs::read_to_string(entry.path()).ok();
            (entry.file_name().into_string().unwrap(), content)
        })
        .collect()
}

async fn throw(flow: &Flow, words: Vec<Word>, network: &Network) {
    let (outer, service) = (lay_out(flow), Service::start(words).await);
    let request = request(flow, &service, outer.path());
    let told = timeout(PATIENCE, told(&request, network)).await.expect("it hangs");
    let told = told.unwrap_or_else(|error| error);
    assert!(!told.contains(KEY) && !told.contains(SECRET), "{told}");
    assert!(!service.received().contains(SECRET), "a file from outside was sent");
    let expected = [("secret".to_owned(), Some(SECRET.to_owned())), ("wd".to_owned(), None)];
    assert_eq!(around(outer.path()), expected.into());
}

/// Cases come from the seed in `.cargo/config.toml`.
#[test]
fn a_run_survives_whatever_is_thrown_at_it() {
    setrlimit(Resource::RLIMIT_DATA, MEMORY, MEMORY).unwrap();
    // One for all cases, as in a worker.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let network = Network::new().unwrap();
    let config = Config { max_shrink_iters: 30, ..Config::default() };
    let cases = (flow(), prop::collection::vec(word(), 200));
    let thrown = TestRunner::new(config).run(&cases, |(flow, words)| {
        runtime.block_on(throw(&flow, words, &network));
        Ok(())
    });
    thrown.unwrap();
}
