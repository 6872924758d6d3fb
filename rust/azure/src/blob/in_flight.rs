//! One budget for the bytes of blobs that are in memory at once, over all containers and both directions.
//!
//! The library lives in somebody else's process: what it may hold does not depend on how many runs there are, or on
//! how large their files are.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// All parts of blobs that are on their way, in bytes. A process grows by twice as much at most: glibc's allocator keeps
/// part of what is freed for itself, as the test in `tests/rest/memory.rs` shows.
pub const BYTES_IN_FLIGHT: u32 = 32 * 1024 * 1024;

/// What one container may have of it: a service that stands still must leave room for the others.
const SHARE: u32 = BYTES_IN_FLIGHT / 2;

/// What a small part counts as. So there are at most 128 transfers, with a connection and an open file each.
const LEAST: u32 = 256 * 1024;

/// What a part counts as that is never in memory as a whole: pieces of it that are read, written, sent or received.
pub(super) const STREAM: u64 = 1024 * 1024;

static BUDGET: Semaphore = Semaphore::const_new(BYTES_IN_FLIGHT as usize);

/// A container's share of the budget.
#[derive(Debug)]
pub(super) struct Share(Arc<Semaphore>);

/// Room for one part, until it is dropped.
#[derive(Debug)]
pub(super) struct Reserved {
    _of_the_share: Option<OwnedSemaphorePermit>,
    _of_all: Option<SemaphorePermit<'static>>,
}

impl Share {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(SHARE as usize)))
    }

    /// Waits for room for a part of a blob. The share comes first: who waits for it keeps nobody else waiting.
    pub(super) async fn reserve(&self, bytes: u64) -> Reserved {
        let bytes = u32::try_from(bytes).unwrap_or(SHARE).clamp(LEAST, SHARE);
        // Neither is ever closed.
        let of_the_share = Arc::clone(&self.0).acquire_many_owned(bytes).await.ok();
        Reserved { _of_all: BUDGET.acquire_many(bytes).await.ok(), _of_the_share: of_the_share }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_budget_holds_over_all_containers_and_one_leaves_room_for_another() {
        let (first, second, third) = (Share::new(), Share::new(), Share::new());
        let part = u64::from(SHARE / 4);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(first.reserve(part).now_or_never().unwrap());
        }
        assert!(first.reserve(part).now_or_never().is_none(), "its share is used up");
        for _ in 0..4 {
            held.push(second.reserve(part).now_or_never().unwrap());
        }
        assert!(third.reserve(1).now_or_never().is_none(), "the budget is used up");
        held.pop();
        assert!(third.reserve(1).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_part_of_any_size_gets_room_in_the_end() {
        for size in [0, 1, u64::from(LEAST), u64::from(SHARE) + 1, u64::MAX] {
            assert!(Share::new().reserve(size).now_or_never().is_some(), "{size}");
        }
    }
}
