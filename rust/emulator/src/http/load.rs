//! Requests that the account refuses because of its load, with 429.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::faults::{FailurePoint, Refusal, RequestFailure, RequestFault};
use crate::faults::nth::Nth;
use crate::settings::{Consistency, Settings};

/// Of so many jobs one is created although the answer is 429.
const CREATED_ALTHOUGH_REFUSED: u64 = 20;
/// The `Retry-After` of that answer, in seconds.
const LATER: u32 = 30;
/// The same of an answer to more requests than the account takes: the rest of the second.
const NEXT_SECOND: u32 = 1;

/// What the account takes, and how much it had to do.
pub(crate) struct Load {
    rate_limit: Option<NonZeroU32>,
    consistency: Consistency,
    work: Mutex<Work>,
}

struct Work {
    /// When the current second began, and the requests in it.
    second: Instant,
    requests: u32,
    /// All requests that create a job.
    jobs: u64,
}

impl Load {
    pub(crate) fn new(settings: &Settings) -> Load {
        let work = Work { second: Instant::now(), requests: 0, jobs: 0 };
        let Settings { rate_limit, consistency, .. } = *settings;
        Load { rate_limit, consistency, work: Mutex::new(work) }
    }

    /// Counts a request of this operation. Returns how it is refused, if it is: as a fault, so that
    /// the request record tells it.
    pub(super) fn refuse(&self, operation: Option<&str>) -> Option<RequestFault> {
        let creates = operation == Some("Create Job") && self.consistency == Consistency::Eventual;
        if self.exceeds_rate() {
            Some(refused(FailurePoint::BeforeEffect, NEXT_SECOND))
        } else if creates && self.count_job().is_multiple_of(CREATED_ALTHOUGH_REFUSED) {
            Some(refused(FailurePoint::AfterEffect, LATER))
        } else {
            None
        }
    }

    fn exceeds_rate(&self) -> bool {
        let Some(limit) = self.rate_limit else { return false };
        let mut work = self.work();
        if work.second.elapsed() >= Duration::from_secs(1) {
            (work.second, work.requests) = (Instant::now(), 0);
        }
        work.requests += 1;
        work.requests > limit.get()
    }

    fn count_job(&self) -> u64 {
        let mut work = self.work();
        work.jobs += 1;
        work.jobs
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(point: FailurePoint, retry_after: u32) -> RequestFault {
    let (by, retry_after) = (Refusal::TooManyRequests, Some(retry_after));
    let failure = RequestFailure::Refused { by, point, retry_after };
    RequestFault { operation: None, nth: Nth::EVERY, failure }
}
