//! The account as a whole.

mod images;
mod node_counts;
mod pool_usage;

use super::route::{Operation, sync};

/// The operations on the account.
pub(super) static OPERATIONS: &[Operation] = &[
    sync("List Supported Images", "GET", "supportedimages", |call, _, _| images::run(call)),
    sync("List Pool Node Counts", "GET", "nodecounts", |call, service, _| {
        node_counts::run(call, service)
    }),
    sync("List Pool Usage Metrics", "GET", "poolusagemetrics", |call, service, _| {
        pool_usage::run(call, service)
    }),
];
