//! Pools.

mod get;

use super::route::{Operation, now};

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] =
    &[now("Get Pool", "GET", "pools/{pool}", |call, service, at| get::run(call, service, &at[0]))];
