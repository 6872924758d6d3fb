//! How often and how long to try again. Whether it makes sense is the error's to say.

use crate::error::{Error, Result};
use rand::Rng;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// An endpoint that has not answered at all by then is wrong or down.
const FIRST_CONTACT: Duration = Duration::from_secs(5);

/// A first attempt that stands still leaves time for another.
const FIRST_ATTEMPT: Duration = Duration::from_millis(2_500);

/// Exponential backoff with full jitter; a Retry-After of the service goes first.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// How often a request is sent at most, the first time included.
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
    /// Nothing yet: give up after [`FIRST_CONTACT`] unless it answers, with whatever status.
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
        let mut deadline = (contact == Contact::First).then(|| Instant::now() + FIRST_CONTACT);
        let mut tries = 1;
        loop {
            let error = match until(deadline, attempt()).await {
                Ok(done) => return Ok(done),
                Err(error) => error.during(action).after_an_attempt(tries > 1),
            };
            if error.status().is_some() {
                deadline = None;
            }
            let delay = self.delay(tries, error.retry_after());
            let late = deadline.is_some_and(|deadline| Instant::now() + delay >= deadline);
            if !error.is_retryable() || tries >= self.attempts || late {
                return Err(error);
            }
            sleep(delay).await;
            tries += 1;
        }
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

/// The outcome of an attempt, which ends at the deadline at the latest.
async fn until<T>(
    deadline: Option<Instant>,
    attempt: impl Future<Output = Result<T>>,
) -> Result<T> {
    let Some(deadline) = deadline else {
        return attempt.await;
    };
    let end = deadline.min(Instant::now() + FIRST_ATTEMPT);
    timeout_at(end, attempt).await.unwrap_or_else(|_| {
        let seconds = FIRST_CONTACT.as_secs();
        Err(Error::unreachable(format!("no answer within {seconds} s")))
    })
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

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_never_answers_is_given_up_after_five_seconds() {
        let start = Instant::now();
        let error = RetryPolicy::default()
            .run(Contact::First, "get pool 'p' at https://host", std::future::pending::<Result<()>>)
            .await
            .unwrap_err();
        assert!(start.elapsed() <= FIRST_CONTACT, "{:?}", start.elapsed());
        assert_eq!(error.to_string(), "cannot get pool 'p' at https://host: no answer within 5 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_request_that_stands_still_is_made_again() {
        let mut attempts = 0;
        let stalls_once = || {
            attempts += 1;
            let stall = Duration::from_secs(if attempts == 1 { 30 } else { 0 });
            async move {
                sleep(stall).await;
                Ok(())
            }
        };
        RetryPolicy::default().run(Contact::First, "call", stalls_once).await.unwrap();
        assert_eq!(attempts, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_refuses_is_given_up_within_five_seconds() {
        let start = Instant::now();
        let refused = || async { Err::<(), _>(Error::unreachable("refused")) };
        let error = RetryPolicy::default().run(Contact::First, "call", refused).await.unwrap_err();
        assert!(start.elapsed() <= FIRST_CONTACT, "{:?}", start.elapsed());
        assert_eq!(error.to_string(), "cannot call: refused");
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
