//! Pools.

mod exists;
mod get;
mod list;

use super::route::{Operation, now};

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    now("List Pools", "GET", "pools", |call, service, _| list::run(call, service)),
    now("Get Pool", "GET", "pools/{pool}", |call, service, at| get::run(call, service, &at[0])),
    now("Pool Exists", "HEAD", "pools/{pool}", |call, service, at| {
        exists::run(call, service, &at[0])
    }),
];
