//! The faults that were asked for, with how often each was met.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::nth::Nth;

/// A fault that counts the events that it is about.
pub(crate) trait Counted {
    /// An event that may meet a fault.
    type Event<'a>: Copy;

    /// Whether this fault is about such an event.
    fn is_about(&self, event: Self::Event<'_>) -> bool;

    /// Which of these events it strikes.
    fn nth(&self) -> Nth;
}

/// A fault with its counts.
#[derive(Clone)]
pub(crate) struct Count<F> {
    pub(crate) fault: F,
    /// The events that it is about, since it was asked for.
    pub(crate) seen: u64,
    /// Those that it struck.
    pub(crate) fired: u64,
}

/// The faults of one kind, in the order in which they were asked for.
pub(crate) struct Armed<F>(Mutex<Vec<Count<F>>>);

impl<F> Default for Armed<F> {
    fn default() -> Armed<F> {
        Armed(Mutex::default())
    }
}

impl<F: Counted + Clone> Armed<F> {
    pub(crate) fn add(&self, fault: F) {
        self.counts().push(Count { fault, seen: 0, fired: 0 });
    }

    pub(crate) fn clear(&self) {
        self.counts().clear();
    }

    pub(crate) fn all(&self) -> Vec<Count<F>> {
        self.counts().clone()
    }

    /// Counts an event, and gives the fault that strikes it: of several the first.
    pub(crate) fn strike(&self, event: F::Event<'_>) -> Option<F> {
        let mut struck = None;
        for count in self.counts().iter_mut().filter(|count| count.fault.is_about(event)) {
            count.seen += 1;
            if struck.is_none() && count.fault.nth().contains(count.seen) {
                count.fired += 1;
                struck = Some(count.fault.clone());
            }
        }
        struck
    }

    fn counts(&self) -> MutexGuard<'_, Vec<Count<F>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
