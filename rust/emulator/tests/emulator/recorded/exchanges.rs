//! The exchanges with the emulator that recorded facts name.

use std::collections::BTreeMap;
use std::time::Duration;

use azure_batch_emulator::StateDelays;

use super::{files, job_schedules, jobs, pools, requests, tasks};
use crate::support::client::{Reply, Request};

/// How long the emulator stays in a state that a test wants to see.
const LONG: Duration = Duration::from_secs(2);

/// Answers by the names of their exchanges.
#[derive(Default)]
pub(super) struct Exchanges(BTreeMap<&'static str, Reply>);

impl<const N: usize> From<[(&'static str, Reply); N]> for Exchanges {
    fn from(exchanges: [(&'static str, Reply); N]) -> Exchanges {
        Exchanges(exchanges.into())
    }
}

impl Exchanges {
    /// Sends a request and keeps its answer.
    pub(super) async fn note(&mut self, name: &'static str, request: Request<'_>) {
        self.keep(name, request.send().await);
    }

    pub(super) fn keep(&mut self, name: &'static str, reply: Reply) {
        assert!(self.0.insert(name, reply).is_none(), "{name} is there twice");
    }

    pub(super) fn get(&self, name: &str) -> &Reply {
        self.0.get(name).unwrap_or_else(|| panic!("there is no exchange '{name}'"))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &&'static str> {
        self.0.keys()
    }
}

/// Returns delays with which a changing state can be seen.
pub(super) fn slow_changes() -> StateDelays {
    StateDelays { changing: LONG, ..StateDelays::default() }
}

/// Returns delays with which an active task can be seen.
pub(super) fn slow_starts() -> StateDelays {
    StateDelays { active: LONG, ..StateDelays::default() }
}

/// Returns every exchange, from emulators of their own.
pub(super) async fn all() -> Exchanges {
    let parts = tokio::join!(
        jobs::states(),
        jobs::ends(),
        job_schedules::all(),
        pools::all(),
        tasks::all(),
        files::all(),
        requests::all(),
    );
    let parts = [parts.0, parts.1, parts.2, parts.3, parts.4, parts.5, parts.6];
    let mut all = Exchanges::default();
    parts.into_iter().flat_map(|part| part.0).for_each(|(name, reply)| all.keep(name, reply));
    all
}
