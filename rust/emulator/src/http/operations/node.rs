//! Nodes.

mod disable_scheduling;
mod enable_scheduling;
mod get;
mod list;
mod reboot;
mod reimage;

use super::route::{Operation, sync};
use crate::http::call::Call;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    sync("List Nodes", "GET", "pools/{pool}/nodes", |call, service, params| {
        list::run(call, service, &params[0])
    }),
    sync("Get Node", "GET", "pools/{pool}/nodes/{node}", |call, service, params| {
        get::run(call, service, &params[0], &params[1])
    }),
    sync("Reboot Node", "POST", "pools/{pool}/nodes/{node}/reboot", |call, service, params| {
        reboot::run(call, service, &params[0], &params[1])
    }),
    sync("Reimage Node", "POST", "pools/{pool}/nodes/{node}/reimage", |call, service, params| {
        reimage::run(call, service, &params[0], &params[1])
    }),
    sync(
        "Disable Node Scheduling",
        "POST",
        "pools/{pool}/nodes/{node}/disablescheduling",
        |call, service, params| disable_scheduling::run(call, service, &params[0], &params[1]),
    ),
    sync(
        "Enable Node Scheduling",
        "POST",
        "pools/{pool}/nodes/{node}/enablescheduling",
        |call, service, params| enable_scheduling::run(call, service, &params[0], &params[1]),
    ),
];

/// Returns the URL of a node.
fn url(call: &Call, pool: &str, id: &str) -> String {
    format!("{}/pools/{pool}/nodes/{id}", call.endpoint)
}
