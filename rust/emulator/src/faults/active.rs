//! The injected faults, with how often each one fired.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::nth::Nth;

/// A fault that applies to some of the events of a kind.
pub(crate) trait FaultRule {
    /// An event that a fault can apply to.
    type Event<'a>: Copy;

    /// Returns whether the fault is for this event, leaving its number aside.
    fn matches(&self, event: Self::Event<'_>) -> bool;

    /// Returns the numbers of the matching events to which the fault applies.
    fn nth(&self) -> Nth;
}

/// A fault with its counters.
#[derive(Clone)]
pub(crate) struct Count<F> {
    pub(crate) fault: F,
    /// The matching events since the fault was added.
    pub(crate) seen: u64,
    /// The events for which the fault fired.
    pub(crate) fired: u64,
}

/// The faults of one kind, in the order in which they were added.
pub(crate) struct ActiveFaults<F>(Mutex<Vec<Count<F>>>);

impl<F> Default for ActiveFaults<F> {
    fn default() -> ActiveFaults<F> {
        ActiveFaults(Mutex::default())
    }
}

impl<F: FaultRule + Clone> ActiveFaults<F> {
    pub(crate) fn add(&self, fault: F) {
        self.counts().push(Count { fault, seen: 0, fired: 0 });
    }

    pub(crate) fn clear(&self) {
        self.counts().clear();
    }

    pub(crate) fn all(&self) -> Vec<Count<F>> {
        self.counts().clone()
    }

    /// Counts an event. Returns the fault that fires for it: the first one, if there are several.
    pub(crate) fn fire(&self, event: F::Event<'_>) -> Option<F> {
        let mut fired = None;
        for count in self.counts().iter_mut().filter(|count| count.fault.matches(event)) {
            count.seen += 1;
            if fired.is_none() && count.fault.nth().contains(count.seen) {
                count.fired += 1;
                fired = Some(count.fault.clone());
            }
        }
        fired
    }

    fn counts(&self) -> MutexGuard<'_, Vec<Count<F>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
