//! Pools.

mod create;
mod delete;
mod disable_auto_scale;
mod enable_auto_scale;
mod evaluate_auto_scale;
mod exists;
mod get;
mod list;
mod remove_nodes;
mod replace_properties;
mod resize;
mod stop_resize;
mod update;

use super::route::{Operation, sync};
use crate::http::call::Call;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    sync("List Pools", "GET", "pools", |call, service, _| list::run(call, service)),
    sync("Get Pool", "GET", "pools/{pool}", |call, service, params| {
        get::run(call, service, &params[0])
    }),
    sync("Pool Exists", "HEAD", "pools/{pool}", |call, service, params| {
        exists::run(call, service, &params[0])
    }),
    sync("Create Pool", "POST", "pools", |call, service, _| create::run(call, service)),
    sync("Update Pool", "PATCH", "pools/{pool}", |call, service, params| {
        update::run(call, service, &params[0])
    }),
    sync(
        "Replace Pool Properties",
        "POST",
        "pools/{pool}/updateproperties",
        |call, service, params| replace_properties::run(call, service, &params[0]),
    ),
    sync("Delete Pool", "DELETE", "pools/{pool}", |call, service, params| {
        delete::run(call, service, &params[0])
    }),
    sync("Resize Pool", "POST", "pools/{pool}/resize", |call, service, params| {
        resize::run(call, service, &params[0])
    }),
    sync("Stop Pool Resize", "POST", "pools/{pool}/stopresize", |call, service, params| {
        stop_resize::run(call, service, &params[0])
    }),
    sync("Remove Nodes", "POST", "pools/{pool}/removenodes", |call, service, params| {
        remove_nodes::run(call, service, &params[0])
    }),
    sync(
        "Enable Pool Auto Scale",
        "POST",
        "pools/{pool}/enableautoscale",
        |call, service, params| enable_auto_scale::run(call, service, &params[0]),
    ),
    sync(
        "Disable Pool Auto Scale",
        "POST",
        "pools/{pool}/disableautoscale",
        |call, service, params| disable_auto_scale::run(call, service, &params[0]),
    ),
    sync(
        "Evaluate Pool Auto Scale",
        "POST",
        "pools/{pool}/evaluateautoscale",
        |call, service, params| evaluate_auto_scale::run(call, service, &params[0]),
    ),
];

/// Returns the URL of a pool.
fn url(call: &Call, id: &str) -> String {
    format!("{}/pools/{id}", call.endpoint)
}
