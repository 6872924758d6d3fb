//! How often and how long to try again. Whether to try again at all is decided where an error is made.

use crate::error::{Error, ErrorKind, Result};
use futures::{StreamExt, stream::FuturesUnordered};
use rand::Rng;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// An endpoint that could not be connected by then is wrong or down.
const FIRST_CONNECTION: Duration = Duration::from_secs(5);

/// A service that was connected and has not answered by then is down.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// A first attempt that takes longer is connected, and slow or lost: another begins beside it.
const STANDS_STILL: Duration = Duration::from_secs(5);

/// So many times as often as after other errors is tried again what was refused because there were too many requests:
/// the service lives, and the wait is as long as it asks for.
const THROTTLED: u32 = 20;

/// The longest wait before that where the service asks for none.
const THROTTLED_WAIT: Duration = Duration::from_secs(5);

/// First attempts at once. Those after a first contact are made one after another.
const BESIDE: usize = 3;

/// Exponential backoff with full jitter; a Retry-After of the service goes first.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// How often a request is sent at most, the first time included. A 429 counts as a twentieth.
    pub attempts: u32,
    /// The upper bound of the first wait; it doubles with each attempt.
    pub base: Duration,
    /// The upper bound of every wait, also of one that the service asks for.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 10, base: Duration::from_millis(250), max: Duration::from_secs(90) }
    }
}

/// What is known about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contact {
    /// Nothing yet: give up after [`FIRST_CONNECTION`] or [`FIRST_ANSWER`] unless it answers, with
    /// whatever status. Only for requests that may be under way twice: reads.
    First,
    /// It has answered before.
    Later,
}

impl RetryPolicy {
    /// Repeats `attempt` while its error is retryable. `action` says what is tried.
    pub(crate) async fn run<T, F>(
        &self,
        contact: Contact,
        action: &str,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let start = Instant::now();
        let mut time = (contact == Contact::First).then_some(FIRST_ANSWER);
        let mut reached = false;
        let (mut tries, mut throttled) = (1, 0);
        loop {
            let outcome = match time {
                Some(time) => first_answer(start, time, &mut attempt).await,
                None => attempt().await,
            };
            let error = match outcome {
                Ok(done) => return Ok(done),
                // Also after a 429, which Batch has answered when the work was done.
                Err(error) => error.during(action).after_an_attempt(reached),
            };
            reached |= !error.is_unconnected();
            let left = if reached { FIRST_ANSWER } else { FIRST_CONNECTION };
            time = time.filter(|_| error.status().is_none()).map(|_| left);
            let delay = self.delay_after(&error, tries + throttled);
            let late = time.is_some_and(|time| start.elapsed() + delay >= time);
            let is_last = tries + throttled / THROTTLED >= self.attempts;
            if !error.is_retryable() || is_last || late {
                return Err(error);
            }
            sleep(delay).await;
            let count = if error.is_throttled() { &mut throttled } else { &mut tries };
            *count += 1;
        }
    }

    fn delay_after(&self, error: &Error, tries: u32) -> Duration {
        let delay = self.delay(tries, error.retry_after());
        let is_asked = error.retry_after().is_some() || !error.is_throttled();
        if is_asked { delay } else { delay.min(THROTTLED_WAIT) }
    }

    /// The wait after the `tries`-th attempt.
    fn delay(&self, tries: u32, retry_after: Option<Duration>) -> Duration {
        if let Some(asked) = retry_after {
            return asked.min(self.max);
        }
        let doublings = tries.saturating_sub(1).min(31);
        let bound = self.base.saturating_mul(1 << doublings).min(self.max);
        bound.mul_f64(rand::rng().random_range(0.0..=1.0))
    }
}

/// The outcome of an attempt, or of one begun later because it stands still. One that fails
/// without an answer does not count while another is under way.
async fn first_answer<T, F: Future<Output = Result<T>>>(
    start: Instant,
    time: Duration,
    attempt: &mut impl FnMut() -> F,
) -> Result<T> {
    let mut attempts = FuturesUnordered::new();
    let mut begun = 0;
    let mut next = Instant::now();
    loop {
        if begun < BESIDE && Instant::now() >= next {
            attempts.push(attempt());
            begun += 1;
            next += STANDS_STILL;
        }
        let end = start + time;
        let pause = if begun < BESIDE { next.min(end) } else { end };
        match timeout_at(pause, attempts.next()).await {
            Ok(Some(Err(error)))
                if error.kind() == ErrorKind::Unreachable && !attempts.is_empty() => {}
            Ok(Some(outcome)) => return outcome,
            _ if Instant::now() >= end => return Err(nothing_within(time)),
            _ => {}
        }
    }
}

fn nothing_within(time: Duration) -> Error {
    let seconds = time.as_secs();
    if time == FIRST_CONNECTION {
        return Error::unconnected(format!("no connection within {seconds} s"));
    }
    Error::unreachable(format!("no answer within {seconds} s"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    };

    #[test]
    fn waits_double_up_to_the_maximum_and_are_jittered() {
        let policy = RetryPolicy::default();
        for tries in 1..=40 {
            let bound = Duration::from_millis(250).saturating_mul(1 << (tries - 1).min(20));
            assert!(policy.delay(tries, None) <= bound.min(policy.max));
        }
        let waits: std::collections::HashSet<_> = (0..20).map(|_| policy.delay(5, None)).collect();
        assert!(waits.len() > 10, "no jitter: {waits:?}");
    }

    #[test]
    fn the_service_is_given_the_wait_it_asks_for_within_reason() {
        let policy = RetryPolicy::default();
        let asked = Duration::from_secs(7);
        assert_eq!(policy.delay(1, Some(asked)), asked);
        assert_eq!(policy.delay(1, Some(Duration::from_secs(86_400))), policy.max);
    }

    async fn first_contact<F: Future<Output = Result<()>>>(
        attempt: impl FnMut() -> F,
    ) -> (Result<()>, Duration) {
        let start = Instant::now();
        let outcome = RetryPolicy::default().run(Contact::First, "call", attempt).await;
        (outcome, start.elapsed())
    }

    /// What an attempt brings after so many seconds.
    async fn after<T>(seconds: u64, outcome: Result<T>) -> Result<T> {
        sleep(Duration::from_secs(seconds)).await;
        outcome
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_never_answers_is_given_up_after_thirty_seconds() {
        let (outcome, elapsed) = first_contact(std::future::pending).await;
        assert_eq!(outcome.unwrap_err().to_string(), "cannot call: no answer within 30 s");
        assert_eq!(elapsed, FIRST_ANSWER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_answer_may_take_just_under_thirty_seconds_every_time() {
        for seconds in [3, 6, 29] {
            let (outcome, elapsed) = first_contact(|| after(seconds, Ok(()))).await;
            outcome.unwrap();
            assert_eq!(elapsed.as_secs(), seconds);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_request_that_stands_still_is_made_again() {
        let mut attempts = 0;
        let (outcome, elapsed) = first_contact(|| {
            attempts += 1;
            after(if attempts == 1 { 3600 } else { 1 }, Ok(()))
        })
        .await;
        outcome.unwrap();
        assert_eq!((attempts, elapsed.as_secs()), (2, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_attempt_that_is_slow_outlives_those_beside_it_that_fail() {
        let mut attempts = 0;
        let (outcome, elapsed) = first_contact(|| {
            attempts += 1;
            let refused = Err(Error::unconnected("refused"));
            if attempts == 1 { after(29, Ok(())) } else { after(0, refused) }
        })
        .await;
        outcome.unwrap();
        assert_eq!((attempts, elapsed.as_secs()), (BESIDE, 29));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_refuses_is_given_up_within_five_seconds() {
        let (outcome, elapsed) =
            first_contact(|| after(0, Err(Error::unconnected("refused")))).await;
        assert!(elapsed <= FIRST_CONNECTION, "{elapsed:?}");
        assert_eq!(outcome.unwrap_err().to_string(), "cannot call: refused");
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_nothing_leads_to_is_given_up_within_five_seconds() {
        let (outcome, elapsed) = first_contact(|| after(4, Err(Error::unconnected("lost")))).await;
        assert_eq!(elapsed, FIRST_CONNECTION);
        assert_eq!(outcome.unwrap_err().to_string(), "cannot call: no connection within 5 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_hangs_up_was_reached_and_has_thirty_seconds() {
        let start = Instant::now();
        let mut attempts = 0;
        let (outcome, _) = first_contact(|| {
            attempts += 1;
            let down = if attempts % 2 == 1 { Error::unreachable } else { Error::unconnected };
            let up = start.elapsed().as_secs() >= 7;
            after(0, if up { Ok(()) } else { Err(down("down")) })
        })
        .await;
        outcome.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_that_an_answer_asks_for_is_kept() {
        let busy = || {
            let headers = [(RETRY_AFTER, HeaderValue::from_static("7"))].into_iter().collect();
            Error::from_response(StatusCode::TOO_MANY_REQUESTS, &headers, b"")
        };
        let start = Instant::now();
        let mut answers = [Ok(()), Err(busy()), Err(busy())].into_iter().collect::<Vec<_>>();
        let attempt = || std::future::ready(answers.pop().unwrap());
        RetryPolicy::default().run(Contact::First, "call", attempt).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(14));
    }

    #[tokio::test(start_paused = true)]
    async fn all_attempts_are_used_once_the_endpoint_is_known() {
        let mut attempts = 0;
        let refused = || {
            attempts += 1;
            async { Err::<(), _>(Error::unreachable("refused")) }
        };
        let error = RetryPolicy::default().run(Contact::Later, "call", refused).await.unwrap_err();
        assert_eq!((attempts, error.may_be_our_own_doing()), (10, true));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_because_of_many_requests_has_patience_and_not_for_ever() {
        for header in [Some("1"), None] {
            let headers = header.map(|value| (RETRY_AFTER, HeaderValue::from_static(value)));
            let headers = headers.into_iter().collect();
            let (start, mut attempts) = (Instant::now(), 0);
            let refused = || {
                attempts += 1;
                std::future::ready(Err::<(), _>(Error::from_response(
                    StatusCode::TOO_MANY_REQUESTS,
                    &headers,
                    b"",
                )))
            };
            RetryPolicy::default().run(Contact::Later, "call", refused).await.unwrap_err();
            assert!(attempts > 100, "{attempts}");
            assert!(start.elapsed() < Duration::from_secs(15 * 60), "{:?}", start.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_without_a_connection_has_done_nothing() {
        let mut outcomes = vec![Error::protocol("exists"), Error::unconnected("refused")];
        let attempt = || std::future::ready(Err::<(), _>(outcomes.pop().unwrap()));
        let error = RetryPolicy::default().run(Contact::Later, "call", attempt).await.unwrap_err();
        assert!(!error.may_be_our_own_doing());
    }

    proptest! {
        #[test]
        fn the_wait_is_bounded_whatever_the_service_asks_for(
            value in "[0-9]{0,30}|-?[0-9.e]{0,5}|[A-Z][a-z]{2}, [0-9]{2} Nov [0-9]{4} [0-9:]{8} GMT|[ -~]{0,20}",
        ) {
            let headers = [(RETRY_AFTER, HeaderValue::from_str(&value).unwrap())].into_iter().collect();
            let error = Error::from_response(StatusCode::TOO_MANY_REQUESTS, &headers, b"");
            let policy = RetryPolicy::default();
            prop_assert!(policy.delay(1, error.retry_after()) <= policy.max);
        }
    }
}
