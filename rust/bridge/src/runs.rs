use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use once_cell::sync::Lazy;
use runner::{HttpClient, Plan, Pull, Request};
use tokio::runtime::Runtime;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

static RUNTIME: Lazy<Result<Runtime, String>> = Lazy::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("kestra-azure-batch")
        .enable_all()
        .build()
        .map_err(|error| format!("no threads for the Azure Batch task runner: {error}"))
});

static HTTP: Lazy<Result<HttpClient, String>> =
    Lazy::new(|| runner::http_client().map_err(|error| error.to_string()));

static RUNS: Lazy<Mutex<Runs>> = Lazy::new(Mutex::default);

/// Why a call did nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The request cannot be run; the text begins with the property's name.
    BadRequest(String),
    /// The call makes no sense now, such as `next` on a run that is closed.
    BadState(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::BadRequest(text) | Self::BadState(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for Refused {}

/// All runs that are under way, or not closed yet.
#[derive(Default)]
struct Runs {
    last_id: i64,
    by_id: HashMap<i64, Entry>,
}

struct Entry {
    kill: CancellationToken,
    /// Absent once the caller has closed the run.
    events: Option<Arc<AsyncMutex<Pull>>>,
    ended: bool,
}

fn runs() -> MutexGuard<'static, Runs> {
    // No code panics while it holds the lock, and if it did the map would still be whole.
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> Result<&'static Runtime, Refused> {
    RUNTIME.as_ref().map_err(|error| Refused::BadState(error.clone()))
}

/// Starts a run and gives its number. Everything that can be checked without a service is checked here.
///
/// # Errors
/// [`Refused::BadRequest`] where the request cannot be run.
pub fn start(request: &str) -> Result<i64, Refused> {
    let http = HTTP.as_ref().map_err(|error| Refused::BadState(error.clone()))?;
    let runtime = runtime()?;
    let plan = Request::from_json(request)
        .and_then(|request| Plan::new(request, http))
        .map_err(|invalid| Refused::BadRequest(invalid.to_string()))?;
    let (events, receiver) = runner::channel();
    let kill = CancellationToken::new();
    let id = runs().add(kill.clone(), receiver);
    runtime.spawn(async move {
        runner::run(plan, events, kill).await;
        runs().ended(id);
    });
    Ok(id)
}

/// The next events of a run as a JSON array, or nothing if none came within `timeout`.
///
/// # Errors
/// [`Refused::BadState`] for a run that is unknown, closed, or past its outcome.
pub fn next(id: i64, timeout: Duration) -> Result<Option<String>, Refused> {
    let events = runs().events(id)?;
    let received = runtime()?.block_on(async {
        let mut events = events.lock().await;
        tokio::time::timeout(timeout, events.next()).await
    });
    match received {
        Err(_elapsed) => Ok(None),
        Ok(batch) if batch.is_empty() => {
            Err(Refused::BadState(format!("run {id} has ended, there are no more events")))
        }
        Ok(batch) => serde_json::to_string(&batch)
            .map(Some)
            .map_err(|error| Refused::BadState(format!("events of run {id}: {error}"))),
    }
}

/// Kills a run: its job is terminated. Any number of times, from any thread, also after [`close`].
pub fn kill(id: i64) {
    if let Some(entry) = runs().by_id.get(&id) {
        entry.kill.cancel();
    }
}

/// Ends the pulling of a run and leaves its job alone. Any number of times.
pub fn close(id: i64) {
    runs().close(id);
}

impl Runs {
    fn add(&mut self, kill: CancellationToken, events: Pull) -> i64 {
        self.last_id += 1;
        let events = Some(Arc::new(AsyncMutex::new(events)));
        self.by_id.insert(self.last_id, Entry { kill, events, ended: false });
        self.last_id
    }

    fn events(&self, id: i64) -> Result<Arc<AsyncMutex<Pull>>, Refused> {
        let entry = self.by_id.get(&id);
        entry
            .and_then(|entry| entry.events.clone())
            .ok_or_else(|| Refused::BadState(format!("run {id} is unknown or closed")))
    }

    fn close(&mut self, id: i64) {
        if let Some(entry) = self.by_id.get_mut(&id) {
            entry.events = None;
            self.forget_if_done(id);
        }
    }

    fn ended(&mut self, id: i64) {
        if let Some(entry) = self.by_id.get_mut(&id) {
            entry.ended = true;
            self.forget_if_done(id);
        }
    }

    /// A closed run stays known until it has ended, so that a kill can still reach it.
    fn forget_if_done(&mut self, id: i64) {
        if self.by_id.get(&id).is_some_and(|entry| entry.ended && entry.events.is_none()) {
            self.by_id.remove(&id);
        }
    }
}
