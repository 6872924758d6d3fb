use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use once_cell::sync::Lazy;
use runner::{EventReceiver, Plan, Request, Selection};
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

static RUNS: Lazy<Mutex<Runs>> = Lazy::new(Mutex::default);

/// How long a caller that goes away waits until its run has recorded what another process has to know.
const LEAVING: Duration = Duration::from_secs(5);

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
    /// Kept alive by the runs.
    shared: Weak<Shared>,
}

struct Entry {
    shared: Arc<Shared>,
    kill: CancellationToken,
    /// Absent once the caller has closed the run.
    events: Option<Arc<AsyncMutex<EventReceiver>>>,
    /// Cancelled once the run can do without this process.
    left: CancellationToken,
    ended: bool,
}

fn runs() -> MutexGuard<'static, Runs> {
    // No code panics while it holds the lock, and if it did the map would still be whole.
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a run and returns its number. Everything that can be checked without a service is checked here.
///
/// # Errors
/// [`Refused::BadRequest`] where the request cannot be run.
pub fn start(request: &str) -> Result<i64, Refused> {
    let shared = runs().shared()?;
    let plan = Request::from_json(request)
        .and_then(|request| Plan::new(request, &shared.network))
        .map_err(|invalid| Refused::BadRequest(invalid.to_string()))?;
    let (events, receiver) = runner::channel();
    let kill = CancellationToken::new();
    let id = runs().add(Arc::clone(&shared), kill.clone(), receiver);
    shared.threads.spawn(async move {
        runner::run(plan, events, kill).await;
        runs().ended(id);
    });
    Ok(id)
}

/// The next events of a run as a JSON array, or None if none came within `timeout`.
///
/// # Errors
/// [`Refused::BadState`] for a run that is unknown, closed, or past its end.
pub fn next(id: i64, timeout: Duration) -> Result<Option<String>, Refused> {
    let (shared, events) = runs().events(id)?;
    let received = shared.threads.block_on(async {
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

/// Answers a question of a run: for each of its patterns, the positions of the names that it matches. Ignored for a run
/// that is unknown or closed.
///
/// # Errors
/// [`Refused::BadRequest`] for anything else than such lists.
pub fn select(id: i64, selection: &str) -> Result<(), Refused> {
    let selection: Selection = serde_json::from_str(selection)
        .map_err(|error| Refused::BadRequest(format!("selection: {error}")))?;
    if let Ok((shared, events)) = runs().events(id) {
        shared.threads.block_on(async { events.lock().await.select(selection) });
    }
    Ok(())
}

/// The outcome of a run is recorded by the caller: clean-up may begin. Any number of times; ignored for a run that is
/// unknown or closed.
pub fn acknowledge(id: i64) {
    let Ok((shared, events)) = runs().events(id) else { return };
    shared.threads.block_on(async { events.lock().await.acknowledge() });
}

/// Ends the pulling of a run and leaves its job alone. Any number of times. Without [`acknowledge`] before it, the next
/// worker gets the outcome again.
///
/// A process that ends right after this takes the run with it. So this waits, for 5 s at most, until the run has
/// recorded what another process has to know.
pub fn close(id: i64) {
    let Some((shared, left)) = runs().close(id) else { return };
    let _ =
        shared.threads.block_on(async { tokio::time::timeout(LEAVING, left.cancelled()).await });
}

impl Runs {
    fn shared(&mut self) -> Result<Arc<Shared>, Refused> {
        if let Some(shared) = self.shared.upgrade() {
            return Ok(shared);
        }
        let shared = Arc::new(Shared::new().map_err(Refused::BadState)?);
        self.shared = Arc::downgrade(&shared);
        Ok(shared)
    }

    fn add(&mut self, shared: Arc<Shared>, kill: CancellationToken, events: EventReceiver) -> i64 {
        self.last_id += 1;
        let left = events.left();
        let events = Some(Arc::new(AsyncMutex::new(events)));
        self.by_id.insert(self.last_id, Entry { shared, kill, events, left, ended: false });
        self.last_id
    }

    fn events(&self, id: i64) -> Result<(Arc<Shared>, Arc<AsyncMutex<EventReceiver>>), Refused> {
        let entry = self.by_id.get(&id);
        entry
            .and_then(|entry| Some((Arc::clone(&entry.shared), entry.events.clone()?)))
            .ok_or_else(|| Refused::BadState(format!("run {id} is unknown or closed")))
    }

    /// Returns what to wait for and where; None for a run that is unknown.
    fn close(&mut self, id: i64) -> Option<(Arc<Shared>, CancellationToken)> {
        let entry = self.by_id.get_mut(&id)?;
        entry.events = None;
        let waiting = (Arc::clone(&entry.shared), entry.left.clone());
        self.forget_if_done(id);
        Some(waiting)
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
