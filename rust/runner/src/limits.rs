//! How long a run may take, and by when.

use std::iter;
use std::time::Duration;

use tokio::time::Instant;

use crate::plan::Plan;

/// How long something may take, and the property that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Limit {
    pub(crate) time: Duration,
    pub(crate) property: &'static str,
}

/// Since when the limits of a run count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Its beginning: staging counts too.
    started: Instant,
    /// When its task, or its job, began to wait.
    submitted: Instant,
}

/// The moment at which a limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    limit: Limit,
}

impl Clock {
    /// A run that begins now.
    pub(crate) fn start() -> Self {
        Self::of_age(Duration::ZERO)
    }

    /// A run that began with a job of this age.
    pub(crate) fn of_age(age: Duration) -> Self {
        let now = Instant::now();
        let started = now.checked_sub(age).unwrap_or(now);
        Self { started, submitted: started }
    }

    /// The files are staged: from now on the task waits for a node.
    pub(crate) fn staged(self) -> Self {
        Self { submitted: Instant::now(), ..self }
    }

    /// How long the run has taken.
    pub(crate) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// By when the run has to end.
    pub(crate) fn end(self, plan: &Plan) -> Deadline {
        Deadline::new(self.started, plan.limit)
    }

    /// The first limit of a task that has not begun to run.
    pub(crate) fn first_end(self, plan: &Plan) -> Deadline {
        self.deadlines(plan, false).fold(self.end(plan), Deadline::min)
    }

    /// The limits of a task, which may not have begun to run.
    pub(crate) fn deadlines(self, plan: &Plan, has_run: bool) -> impl Iterator<Item = Deadline> {
        let start = plan.start_limit.filter(|_| !has_run);
        let start = start.map(|limit| Deadline::new(self.submitted, limit));
        iter::once(self.end(plan)).chain(start)
    }
}

impl Deadline {
    fn new(from: Instant, limit: Limit) -> Self {
        Self { at: from + limit.time, limit }
    }

    /// The property and its value, for messages.
    pub(crate) fn in_words(self) -> String {
        format!("{} of {:?}", self.limit.property, self.limit.time)
    }
}
