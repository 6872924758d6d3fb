//! Pools.

mod exists;
mod get;
mod list;
mod remove_nodes;
mod resize;
mod stop_resize;

use super::route::{Operation, now};
use crate::http::call::Call;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    now("List Pools", "GET", "pools", |call, service, _| list::run(call, service)),
    now("Get Pool", "GET", "pools/{pool}", |call, service, at| get::run(call, service, &at[0])),
    now("Pool Exists", "HEAD", "pools/{pool}", |call, service, at| {
        exists::run(call, service, &at[0])
    }),
    now("Resize Pool", "POST", "pools/{pool}/resize", |call, service, at| {
        resize::run(call, service, &at[0])
    }),
    now("Stop Pool Resize", "POST", "pools/{pool}/stopresize", |call, service, at| {
        stop_resize::run(call, service, &at[0])
    }),
    now("Remove Nodes", "POST", "pools/{pool}/removenodes", |call, service, at| {
        remove_nodes::run(call, service, &at[0])
    }),
];

/// The URL of a pool.
fn url(call: &Call, id: &str) -> String {
    format!("{}/pools/{id}", call.endpoint)
}
