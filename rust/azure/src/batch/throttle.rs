//! How fast requests are sent to a Batch account. The service does not say what it takes, only that it was too much
//! ([429](https://learn.microsoft.com/rest/api/batchservice/batch-status-and-error-codes)), so the rate follows from
//! its answers: faster while it takes all, slower once it refuses.

use crate::error::{Error, Result};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    time::{Instant, sleep},
};

/// Requests a second of an account of which nothing is known, and the least and the most of any.
const FIRST: f64 = 100.0;
const LEAST: f64 = 1.0;
const MOST: f64 = 1_000.0;

/// What is left of the rate after a refusal.
const CUT: f64 = 0.7;

/// By how much it grows in a second in which at least half of it was used: until the first refusal, and after that.
const SEARCH: f64 = 2.0;
const GROWTH: f64 = 1.02;

/// Part of a second whose requests may be sent at once.
const BURST: f64 = 0.2;

/// A wait that is rounded to nothing would never end.
const SHORTEST: Duration = Duration::from_millis(1);

const SECOND: Duration = Duration::from_secs(1);

/// The rate of requests to one Batch account. Clients that have a clone of it share it.
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

struct Inner {
    /// Who holds it sends the next request.
    turn: AsyncMutex<()>,
    rate: Mutex<Rate>,
    refusals: watch::Sender<u32>,
}

#[derive(Debug)]
struct Rate {
    /// Requests a second.
    rate: f64,
    /// Requests that may be sent now; less than none after urgent ones.
    tokens: f64,
    counted: Instant,
    /// Since when, and how many were sent since.
    second: Instant,
    sent: u32,
    not_before: Instant,
    /// When it was last cut. Requests that were sent before say nothing new.
    cut: Option<Instant>,
}

impl Throttle {
    /// The requests a second that the account takes, as far as is known.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.state().rate
    }

    /// Counts the times that the rate was cut since the service refused requests because of their number.
    #[must_use]
    pub fn refusals(&self) -> watch::Receiver<u32> {
        self.0.refusals.subscribe()
    }

    /// Waits until a request may be sent. Whoever came first goes first.
    pub(super) async fn turn(&self) {
        let _turn = self.0.turn.lock().await;
        loop {
            let Some(wait) = self.state().take() else { return };
            sleep(wait).await;
        }
    }

    /// Counts a request that does not wait: those after it do.
    pub(super) fn pass(&self) {
        self.state().spend();
    }

    /// Learns from the answer to a request that was sent then.
    pub(super) fn judge<T>(&self, sent: Instant, answer: &Result<T>) {
        if let Err(error) = answer
            && error.is_throttled()
            && self.state().cut(sent, error)
        {
            self.0.refusals.send_modify(|refusals| *refusals += 1);
        }
    }

    fn state(&self) -> MutexGuard<'_, Rate> {
        self.0.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Throttle {
    fn default() -> Self {
        let (turn, rate) = (AsyncMutex::default(), Mutex::new(Rate::new()));
        Self(Arc::new(Inner { turn, rate, refusals: watch::Sender::default() }))
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(f)
    }
}

impl Rate {
    fn new() -> Self {
        let now = Instant::now();
        let tokens = FIRST * BURST;
        let (second, sent, not_before, cut) = (now, 0, now, None);
        Self { rate: FIRST, tokens, counted: now, second, sent, not_before, cut }
    }

    /// Takes a token, or says how long to wait for it.
    fn take(&mut self) -> Option<Duration> {
        let now = self.count();
        if now < self.not_before {
            return Some(self.not_before - now);
        }
        if self.tokens < 1.0 {
            let wait = Duration::from_secs_f64((1.0 - self.tokens) / self.rate);
            return Some(wait.max(SHORTEST));
        }
        self.spend();
        None
    }

    fn spend(&mut self) {
        self.count();
        self.tokens -= 1.0;
        self.sent += 1;
    }

    /// Adds the tokens of the time that has passed.
    fn count(&mut self) -> Instant {
        let now = Instant::now();
        let time = now - self.counted;
        self.counted = now;
        let most = (self.rate * BURST).max(1.0);
        self.tokens = (self.tokens + time.as_secs_f64() * self.rate).min(most);
        self.grow(now - self.second);
        now
    }

    /// Grows where the last second, or longer, has used half of the rate.
    fn grow(&mut self, time: Duration) {
        if time < SECOND {
            return;
        }
        if f64::from(self.sent) >= time.as_secs_f64() * self.rate / 2.0 {
            let by = if self.cut.is_some() { GROWTH } else { SEARCH };
            self.rate = (self.rate * by).min(MOST);
        }
        (self.second, self.sent) = (self.counted, 0);
    }

    /// Returns whether the refusal is news.
    fn cut(&mut self, sent: Instant, error: &Error) -> bool {
        if self.cut.is_some_and(|cut| sent <= cut) {
            return false;
        }
        let now = self.count();
        self.cut = Some(now);
        self.rate = (self.rate * CUT).max(LEAST);
        self.tokens = self.tokens.min(0.0);
        // A longer wait is for the request that was refused; the rate says how it goes on for the others.
        self.not_before = now + error.retry_after().unwrap_or_default().min(SECOND);
        (self.second, self.sent) = (now, 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::{Contact, RetryPolicy};
    use futures::future::join_all;
    use reqwest::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    };
    use std::cell::Cell;

    const ROUND_TRIP: Duration = Duration::from_millis(25);

    /// A service that takes so many requests in each second of its clock, and refuses the others.
    struct Service {
        limit: u32,
        second: Cell<(u64, u32)>,
        taken: Cell<u32>,
        refused: Cell<u32>,
        began: Instant,
    }

    impl Service {
        fn new(limit: u32) -> Self {
            let (taken, refused) = Default::default();
            Self { limit, second: Cell::default(), taken, refused, began: Instant::now() }
        }

        async fn answer(&self) -> Result<()> {
            sleep(ROUND_TRIP).await;
            let second = self.began.elapsed().as_secs();
            let (last, count) = self.second.get();
            let count = if last == second { count + 1 } else { 1 };
            self.second.set((second, count));
            let counter = if count > self.limit { &self.refused } else { &self.taken };
            counter.set(counter.get() + 1);
            if count > self.limit { Err(refusal("1")) } else { Ok(()) }
        }

        /// What so many callers get done who each ask so many times, in requests a second.
        async fn serve(&self, callers: usize, times: usize, throttle: Option<&Throttle>) -> f64 {
            let attempt = || async {
                if let Some(throttle) = throttle {
                    throttle.turn().await;
                }
                let sent = Instant::now();
                let answer = self.answer().await;
                throttle.iter().for_each(|throttle| throttle.judge(sent, &answer));
                answer
            };
            let caller = async |_| {
                for _ in 0..times {
                    RetryPolicy::default().run(Contact::Later, "ask", attempt).await.unwrap();
                }
            };
            join_all((0..callers).map(caller)).await;
            f64::from(self.taken.get()) / self.began.elapsed().as_secs_f64()
        }
    }

    fn refusal(seconds: &'static str) -> Error {
        let headers = [(RETRY_AFTER, HeaderValue::from_static(seconds))].into_iter().collect();
        Error::from_response(StatusCode::TOO_MANY_REQUESTS, &headers, b"")
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_is_used_to_its_limit_and_seldom_asked_in_vain() {
        for (limit, callers) in [(20, 500), (50, 200), (50, 5), (300, 200)] {
            let (service, throttle) = (Service::new(limit), Throttle::default());
            let times = 100 * limit as usize / callers;
            let rate = service.serve(callers, times, Some(&throttle)).await;
            let most = if callers == 5 { 50.0 } else { f64::from(limit) };
            assert!(rate > 0.6 * most, "{rate} of {limit} a second with {callers}");
            let (refused, taken) = (service.refused.get(), service.taken.get());
            assert!(refused < taken / 10, "{refused} refused, {taken} taken with {callers}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_it_more_requests_are_refused_than_taken() {
        let service = Service::new(50);
        service.serve(200, 10, None).await;
        assert!(service.refused.get() > service.taken.get());
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_takes_all_is_soon_asked_as_fast_as_is_wanted() {
        let (service, throttle) = (Service::new(u32::MAX), Throttle::default());
        let rate = service.serve(100, 100, Some(&throttle)).await;
        assert!(rate > 500.0, "{rate}");
        assert!(throttle.rate() <= MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_first_goes_first_and_what_is_urgent_does_not_wait() {
        let throttle = Throttle::default();
        let order = Mutex::new(Vec::new());
        let caller = async |number: usize| {
            throttle.turn().await;
            order.lock().unwrap().push(number);
        };
        let urgent = async {
            throttle.pass();
            order.lock().unwrap().push(usize::MAX);
        };
        tokio::join!(join_all((0..100).map(caller)), urgent);
        let order = order.into_inner().unwrap();
        let place = order.iter().position(|number| *number == usize::MAX).unwrap();
        assert!(place <= 20, "{place}");
        assert!(order.iter().filter(|number| **number < 100).is_sorted());
    }

    #[tokio::test(start_paused = true)]
    async fn one_refusal_with_a_long_wait_holds_up_the_others_for_a_second() {
        let throttle = Throttle::default();
        throttle.judge(Instant::now(), &Err::<(), _>(refusal("30")));
        let start = Instant::now();
        throttle.turn().await;
        assert!(start.elapsed() < 2 * SECOND, "{:?}", start.elapsed());
        assert_eq!(*throttle.refusals().borrow(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn many_refusals_at_once_cut_the_rate_once_and_never_below_the_least() {
        let throttle = Throttle::default();
        let sent = Instant::now();
        (0..50).for_each(|_| throttle.judge(sent, &Err::<(), _>(refusal("1"))));
        assert!((throttle.rate() - FIRST * CUT).abs() < 1e-9, "{throttle:?}");
        for _ in 0..50 {
            sleep(SECOND).await;
            throttle.judge(Instant::now(), &Err::<(), _>(refusal("1")));
        }
        assert!((throttle.rate() - LEAST).abs() < 1e-9, "{throttle:?}");
    }
}
