//! JSON of the usage of pools.

use serde_json::{Map, Value, json};

use super::object;
use crate::store::usage::PoolUsage;
use crate::wire::time::instant;

/// Returns the usage of a pool in an interval as the service shows it.
pub(crate) fn render(usage: &PoolUsage) -> Map<String, Value> {
    object(&json!({
        "poolId": usage.pool,
        "startTime": instant(usage.start),
        "endTime": instant(usage.end),
        "vmSize": usage.vm_size,
        "totalCoreHours": usage.core_hours,
    }))
}
