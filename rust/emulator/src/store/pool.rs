//! Pools.

use time::OffsetDateTime;

use super::stamp::Stamp;

/// A pool. It always has exactly the nodes it was started with.
#[derive(Clone)]
pub(crate) struct Pool {
    pub(crate) id: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) stamp: Stamp,
    /// The images of its containerConfiguration; `None` without one.
    pub(crate) images: Option<Vec<String>>,
    pub(crate) slots_per_node: u32,
    /// The slots of the node that no task holds.
    pub(crate) free_slots: u32,
}
