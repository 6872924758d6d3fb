//! What was created a moment ago. Reads of the service may not find it yet: Microsoft's
//! CromwellOnAzure asks up to ten times for a new job, a second apart.

use super::request::Request;
use crate::{Error, Result, exchange::Answer};
use reqwest::Method;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long something new may not be found.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause before it is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// What the service says of a job or task that it does not find.
const NOT_FOUND: &[&str] = &["JobNotFound", "TaskNotFound"];

/// Paths of jobs and tasks that were created and that no read has found yet, each with the time of
/// its creation.
#[derive(Default)]
pub(crate) struct Unseen(Mutex<HashMap<String, Instant>>);

impl Unseen {
    /// What is at this path is there by now, although reads may not see it yet.
    pub(crate) fn expect(&self, path: &str) {
        self.paths().insert(path.to_owned(), Instant::now());
    }

    /// There is nothing at this path.
    pub(crate) fn forget(&self, path: &str) {
        self.paths().remove(path);
    }

    /// Makes the error that something new was not found retryable. What was read or deleted once is
    /// no longer new.
    pub(crate) fn judge(&self, request: &Request, answer: Result<Answer>) -> Result<Answer> {
        match answer {
            Err(error) if error.has_code(NOT_FOUND) && self.is_expected(request) => {
                Err(error.passing(PAUSE))
            }
            Ok(answer) if matches!(request.method, Method::GET | Method::DELETE) => {
                self.paths().retain(|path, _| !is_of(request, path));
                Ok(answer)
            }
            other => other,
        }
    }

    fn is_expected(&self, request: &Request) -> bool {
        let mut paths = self.paths();
        paths.retain(|_, since| since.elapsed() < PATIENCE);
        paths.keys().any(|path| is_of(request, path))
    }

    fn paths(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a request is about what is at this path, or about something in it.
fn is_of(request: &Request, path: &str) -> bool {
    let rest = request.url.path().strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether an error says for sure that nothing was created, and that nothing was there before.
pub(crate) fn created_nothing(error: &Error) -> bool {
    error.status().is_some_and(|status| status != 409) && !error.may_be_our_own_doing()
}
