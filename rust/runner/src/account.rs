//! What the runs of one Batch account share in this process: how fast they may ask it, who asks how often, what one
//! answer tells all of them, and who is next where the account is full.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use azure::batch::{BatchClient, Throttle};
use tokio::sync::{Mutex, RwLock};
use tokio::time::{Instant, timeout};

use crate::event::{EventSender, Level};

/// Parts of an account's requests that are for looks at tasks and for reads of logs. What is left is for all else: to
/// submit and to end.
const LOOKS: f64 = 0.25;
const READS: f64 = 0.5;

/// How old the list of active jobs may be, and which part of an account's requests it may be.
pub(crate) const LIST_AGE: Duration = Duration::from_secs(1);
const LISTS: f64 = 0.1;

/// A list that takes longer helps nobody.
const LIST_TIME: Duration = Duration::from_secs(5);

/// A Batch account, as the runs of this process know it.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) throttle: Throttle,
    /// The sums of the weights of all shares.
    looks: AtomicU32,
    reads: AtomicU32,
    /// Shared by runs that create a job; a run that waits because the account is full has it alone, and is the next.
    pub(crate) creations: Arc<RwLock<()>>,
    active_jobs: Latest<HashSet<String>>,
    /// Why tasks wait, by pool.
    pools: Mutex<HashMap<String, Arc<Latest<Reason>>>>,
}

type Reason = (Level, String);

impl Account {
    /// Whether the list of active jobs has this job. One request tells it to all runs.
    pub(crate) async fn lists_as_active(&self, batch: &BatchClient, job: &str) -> bool {
        let age = LIST_AGE.max(Duration::from_secs_f64(1.0 / (self.throttle.rate() * LISTS)));
        let list = async || batch.list_active_jobs().await.ok();
        let listed = self.active_jobs.get(age, list, |jobs| jobs.contains(job));
        timeout(LIST_TIME, listed).await.ok().flatten().unwrap_or_default()
    }

    /// Does the work of a run, and says once in its log if the account takes fewer requests meanwhile than are made.
    pub(crate) async fn explain<T>(
        &self,
        name: &str,
        events: &EventSender,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.tell_of_refusals(name, events) => never,
        }
    }

    async fn tell_of_refusals<T>(&self, name: &str, events: &EventSender) -> T {
        if self.throttle.refusals().changed().await.is_ok() {
            let message = format!(
                "account: Azure throttles the requests to the Batch account '{name}'; \
                 the runs of this worker share what it takes, so logs and results come later"
            );
            // Whoever has gone is noticed by the work.
            let _ = events.note(Level::Warn, message).await;
        }
        pending().await
    }

    /// What was last said of this pool.
    pub(crate) async fn pool(&self, id: &str) -> Arc<Latest<Reason>> {
        Arc::clone(self.pools.lock().await.entry(id.to_owned()).or_default())
    }
}

/// The latest answer to a question that many have.
#[derive(Debug)]
pub(crate) struct Latest<T>(Mutex<Option<(Instant, T)>>);

impl<T> Latest<T> {
    /// Reads an answer that is not older than this; whoever comes first asks for a new one. None: there is none.
    pub(crate) async fn get<R>(
        &self,
        age: Duration,
        ask: impl AsyncFnOnce() -> Option<T>,
        read: impl FnOnce(&T) -> R,
    ) -> Option<R> {
        let mut latest = self.0.lock().await;
        if latest.as_ref().is_none_or(|(asked, _)| asked.elapsed() >= age) {
            // Asked before it is answered, so that it is as old as it can be.
            let now = Instant::now();
            *latest = ask().await.map(|answer| (now, answer));
        }
        latest.as_ref().map(|(_, answer)| read(answer))
    }
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What a share is of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    Looks,
    Reads,
}

/// The part of an account's requests that one task or one output stream may have. The weights say how much more
/// often than others.
#[derive(Debug)]
pub(crate) struct Share {
    account: Arc<Account>,
    of: Of,
    weight: u32,
}

impl Share {
    /// One that has nothing yet.
    pub(crate) fn new(account: &Arc<Account>, of: Of) -> Self {
        Self { account: Arc::clone(account), of, weight: 0 }
    }

    /// Takes another weight.
    pub(crate) fn weigh(&mut self, weight: u32) {
        self.sum().fetch_add(weight, Relaxed);
        self.sum().fetch_sub(self.weight, Relaxed);
        self.weight = weight;
    }

    /// The pause between two requests with which all of this kind are within their part. Nothing for one without weight.
    pub(crate) fn pause(&self) -> Duration {
        let part = match self.of {
            Of::Looks => LOOKS,
            Of::Reads => READS,
        };
        let rate = self.account.throttle.rate() * part * f64::from(self.weight);
        let sum = f64::from(self.sum().load(Relaxed));
        if self.weight == 0 { Duration::ZERO } else { Duration::from_secs_f64(sum / rate) }
    }

    fn sum(&self) -> &AtomicU32 {
        match self.of {
            Of::Looks => &self.account.looks,
            Of::Reads => &self.account.reads,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.weigh(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(account: &Arc<Account>, weights: &[u32]) -> Vec<Share> {
        let share = |weight: &u32| {
            let mut share = Share::new(account, Of::Reads);
            share.weigh(*weight);
            share
        };
        weights.iter().map(share).collect()
    }

    /// Requests a second of shares that pause so long.
    fn rate(shares: &[Share]) -> f64 {
        shares.iter().map(|share| 1.0 / share.pause().as_secs_f64()).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn all_that_read_are_together_within_their_part_and_the_heavy_ones_are_first() {
        let account = Arc::new(Account::default());
        for weights in [vec![1], vec![4, 1], [vec![4; 300], vec![1; 700]].concat()] {
            let shares = shares(&account, &weights);
            let part = account.throttle.rate() * READS;
            assert!((rate(&shares) - part).abs() < 1e-6 * part, "{}", rate(&shares));
            let (first, last) = (&shares[0], &shares[shares.len() - 1]);
            let ratio = last.pause().as_secs_f64() / first.pause().as_secs_f64();
            let weights = f64::from(first.weight) / f64::from(last.weight);
            assert!((ratio - weights).abs() < 1e-6, "{ratio}");
        }
        // Those that ended have no part any more.
        assert_eq!(account.reads.load(Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_by_itself_is_not_held_up() {
        let account = Arc::new(Account::default());
        let mut look = Share::new(&account, Of::Looks);
        assert_eq!(look.pause(), Duration::ZERO);
        look.weigh(1);
        assert!(look.pause() < Duration::from_millis(100), "{:?}", look.pause());
    }

    #[tokio::test(start_paused = true)]
    async fn one_question_is_asked_for_all_and_again_when_the_answer_is_old() {
        let latest = Latest::default();
        let asked = AtomicU32::default();
        let ask = async || {
            tokio::time::sleep(Duration::from_millis(100)).await;
            (asked.fetch_add(1, Relaxed) != 1).then_some(asked.load(Relaxed))
        };
        let get = async || latest.get(Duration::from_secs(1), ask, |answer| *answer).await;
        let all = futures::future::join_all((0..50).map(|_| get())).await;
        assert!(all.iter().all(|answer| *answer == Some(1)), "{all:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(get().await, None);
        assert_eq!(get().await, Some(3));
    }
}
