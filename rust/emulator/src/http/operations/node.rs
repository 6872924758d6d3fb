//! Nodes.

mod get;
mod list;

use super::route::{Operation, now};

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    now("List Nodes", "GET", "pools/{pool}/nodes", |call, service, at| {
        list::run(call, service, &at[0])
    }),
    now("Get Node", "GET", "pools/{pool}/nodes/{node}", |call, service, at| {
        get::run(call, service, &at[0], &at[1])
    }),
];
