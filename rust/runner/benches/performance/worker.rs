//! The role of a worker: runs requests, all at once, and measures them.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use runner::{Event, EventReceiver, Network, Outcome, Plan, Request, Status, Times};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{child, usage};

/// As in the library that Java loads (rust/bridge/src/shared.rs).
const THREADS: usize = 2;
const NAME: &str = "kestra-azure-batch";
const PAUSE: Duration = Duration::from_millis(20);

/// What a worker measured.
#[derive(Deserialize, Serialize)]
pub(crate) struct Measured {
    pub(crate) runs: Vec<Run>,
    /// Its threads at most, without those that only this bench needs.
    pub(crate) threads: usize,
    /// Its memory at most, in MiB.
    pub(crate) peak: f64,
    /// CPU-seconds.
    pub(crate) cpu: f64,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Run {
    steps: Vec<Step>,
    pub(crate) times: Times,
    /// From the time that a line of the task says, in seconds, to its arrival.
    pub(crate) lags: Vec<f64>,
    failure: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Step {
    name: String,
    /// Seconds since the run began.
    at: f64,
    /// CPU-seconds of the worker until then.
    cpu: f64,
}

/// Runs these in a worker of their own.
pub(crate) async fn run(requests: &[Value]) -> Measured {
    child::ask("worker", &requests).await
}

/// Runs this in a worker of its own.
pub(crate) async fn run_one(request: Value) -> (Run, Measured) {
    let mut measured = run(&[request]).await;
    (measured.runs.remove(0), measured)
}

impl Run {
    fn new() -> Self {
        Self { steps: Vec::new(), times: Times::default(), lags: Vec::new(), failure: None }
    }

    /// Seconds from the start of the run to a step.
    pub(crate) fn until(&self, name: &str) -> f64 {
        self.step(name).at
    }

    pub(crate) fn between(&self, from: &str, to: &str) -> f64 {
        self.until(to) - self.until(from)
    }

    pub(crate) fn cpu_between(&self, from: &str, to: &str) -> f64 {
        self.step(to).cpu - self.step(from).cpu
    }

    /// Seconds to the outcome.
    pub(crate) fn result(&self) -> f64 {
        self.until("outcome")
    }

    /// Seconds to the outcome, without those that the task was on its node.
    pub(crate) fn result_without_node(&self) -> f64 {
        self.result() - self.times.run_millis.unwrap() as f64 / 1000.0
    }

    pub(crate) fn staging(&self) -> f64 {
        self.times.stage_millis.unwrap() as f64 / 1000.0
    }

    pub(crate) fn collecting(&self) -> f64 {
        self.times.collect_millis.unwrap() as f64 / 1000.0
    }

    fn step(&self, name: &str) -> &Step {
        let step = self.steps.iter().rev().find(|step| step.name == name);
        step.unwrap_or_else(|| panic!("the run had no step '{name}'"))
    }

    fn reach(&mut self, name: &str, start: Instant) {
        let at = start.elapsed().as_secs_f64();
        self.steps.push(Step { name: name.to_owned(), at, cpu: usage::cpu() });
    }
}

/// In the child.
pub(crate) fn measure(requests: Vec<Value>) -> Measured {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name(NAME)
        .enable_all()
        .build()
        .unwrap();
    let network = Network::new().unwrap();
    let start = usage::cpu();
    let (runs, threads) = runtime.block_on(async {
        let all = run_all(requests, network);
        tokio::pin!(all);
        let mut threads = 0;
        loop {
            threads = threads.max(usage::threads(NAME));
            if let Ok(runs) = tokio::time::timeout(PAUSE, &mut all).await {
                break (runs, threads);
            }
        }
    });
    Measured { runs, threads, peak: usage::peak(), cpu: usage::cpu() - start }
}

async fn run_all(requests: Vec<Value>, network: Network) -> Vec<Run> {
    let network = Arc::new(network);
    let runs: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let network = Arc::clone(&network);
            tokio::spawn(async move { follow(&request, &network).await })
        })
        .collect();
    let runs: Vec<_> = join_all(runs).await.into_iter().map(Result::unwrap).collect();
    let failed: Vec<_> = runs.iter().filter_map(|run| run.failure.as_ref()).collect();
    // A run that fails is no measurement.
    assert!(failed.is_empty(), "{} of {} runs failed: {}", failed.len(), runs.len(), failed[0]);
    runs
}

async fn follow(request: &Value, network: &Network) -> Run {
    let (mut run, start) = (Run::new(), Instant::now());
    run.reach("start", start);
    let request = Request::from_json(&request.to_string()).unwrap();
    let (events, mut receiver) = runner::channel();
    let plan = Plan::new(request, network).unwrap();
    let running = tokio::spawn(runner::run(plan, events, CancellationToken::new()));
    loop {
        let events = receiver.next().await;
        if events.is_empty() {
            break;
        }
        events.into_iter().for_each(|event| run.take(event, start, &receiver));
    }
    running.await.unwrap();
    run
}

impl Run {
    fn take(&mut self, event: Event, start: Instant, receiver: &EventReceiver) {
        match event {
            Event::Progress { step, .. } => self.reach(&step, start),
            Event::Log { lines, .. } => self.lags.extend(lines.iter().filter_map(|l| lag(l))),
            Event::Outcome(outcome) => {
                self.reach("outcome", start);
                receiver.acknowledge();
                self.end(outcome);
            }
            Event::End => self.reach("end", start),
            Event::Note { .. } | Event::Select { .. } => {}
        }
    }

    fn end(&mut self, outcome: Outcome) {
        match outcome.status {
            Status::Succeeded => self.times = outcome.details.unwrap().times,
            _ => self.failure = Some(format!("{outcome:?}")),
        }
    }
}

/// For a line that is a time of `date +%s.%N`.
fn lag(line: &str) -> Option<f64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    line.trim().parse::<f64>().ok().map(|then| now - then)
}
