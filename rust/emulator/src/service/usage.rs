//! The usage of pools.

use time::{Duration, OffsetDateTime};

use super::Service;
use crate::error::{ApiError, Result};
use crate::store::Store;
use crate::store::node::ComputeNode;
use crate::store::pool::Pool;
use crate::store::usage::{NodeTime, PoolUsage, interval_before, interval_start, sum};
use crate::wire::time::instant;

/// How long before now a period of usage has to begin.
const MIN_START: Duration = Duration::minutes(150);
/// How long before now it has to end.
const MIN_END: Duration = Duration::hours(2);

impl Service {
    /// Returns the usage of pools in each interval between two times: by default in the last one
    /// that is available.
    pub(crate) fn pool_usage(
        &self,
        start: Option<OffsetDateTime>,
        end: Option<OffsetDateTime>,
    ) -> Result<Vec<PoolUsage>> {
        let now = OffsetDateTime::now_utc();
        check("startTime", start, now - MIN_START, "two and a half hours")?;
        check("endtime", end, now - MIN_END, "two hours")?;
        let end = end.unwrap_or_else(|| interval_start(now - MIN_START));
        let start = start.unwrap_or_else(|| interval_before(interval_start(end)));
        Ok(sum(node_times(&self.store(), now), start, end))
    }
}

fn check(
    name: &str,
    at: Option<OffsetDateTime>,
    latest: OffsetDateTime,
    before: &str,
) -> Result<()> {
    match at {
        Some(at) if at > latest => {
            let reason = format!("it must be at least {before} before the current time");
            Err(ApiError::query(name, &instant(at), reason))
        }
        _ => Ok(()),
    }
}

/// Returns the times of all nodes that are there and were there.
fn node_times(store: &Store, now: OffsetDateTime) -> impl Iterator<Item = NodeTime> {
    let present = store
        .pools
        .values()
        .flat_map(move |pool| pool.nodes.iter().map(move |node| node_time(pool, node, now)));
    store.usage.iter().cloned().chain(present)
}

/// Returns the time of a node that is there, or leaves now.
pub(super) fn node_time(pool: &Pool, node: &ComputeNode, now: OffsetDateTime) -> NodeTime {
    let (pool, vm_size) = (pool.id.clone(), pool.spec.vm_size.clone());
    NodeTime { pool, vm_size, from: node.allocated, to: now }
}
