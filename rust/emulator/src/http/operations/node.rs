//! Nodes.

mod disable_scheduling;
mod enable_scheduling;
mod get;
mod list;
mod reboot;

use super::route::{Operation, now};
use crate::http::call::Call;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    now("List Nodes", "GET", "pools/{pool}/nodes", |call, service, at| {
        list::run(call, service, &at[0])
    }),
    now("Get Node", "GET", "pools/{pool}/nodes/{node}", |call, service, at| {
        get::run(call, service, &at[0], &at[1])
    }),
    now("Reboot Node", "POST", "pools/{pool}/nodes/{node}/reboot", |call, service, at| {
        reboot::run(call, service, &at[0], &at[1])
    }),
    now(
        "Disable Node Scheduling",
        "POST",
        "pools/{pool}/nodes/{node}/disablescheduling",
        |call, service, at| disable_scheduling::run(call, service, &at[0], &at[1]),
    ),
    now(
        "Enable Node Scheduling",
        "POST",
        "pools/{pool}/nodes/{node}/enablescheduling",
        |call, service, at| enable_scheduling::run(call, service, &at[0], &at[1]),
    ),
];

/// The URL of a node.
fn url(call: &Call, pool: &str, id: &str) -> String {
    format!("{}/pools/{pool}/nodes/{id}", call.endpoint)
}
