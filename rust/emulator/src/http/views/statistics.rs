//! JSON of statistics.

use serde_json::{Map, Value, json};

use crate::service::statistics::Statistics;
use crate::wire::duration::text;
use crate::wire::time::instant;

const GIB: f64 = 1_073_741_824.0;

/// Adds the statistics of a task, if there are any.
pub(crate) fn add_of_task(resource: &mut Map<String, Value>, statistics: Option<Statistics>) {
    let Some(statistics) = statistics else { return };
    let stats = render(resource, &statistics);
    resource.insert("stats".into(), stats);
}

/// Adds the statistics of a job or job schedule, if there are any.
pub(crate) fn add_of_tasks(resource: &mut Map<String, Value>, statistics: Option<Statistics>) {
    let Some(statistics) = statistics else { return };
    let mut stats = render(resource, &statistics);
    let counts = [
        ("numSucceededTasks", statistics.totals.succeeded),
        ("numFailedTasks", statistics.totals.failed),
        ("numTaskRetries", statistics.totals.retries),
    ];
    for (name, count) in counts {
        stats[name] = json!(count.to_string());
    }
    resource.insert("stats".into(), stats);
}

/// 64-bit numbers are texts, as the specification says.
fn render(resource: &Map<String, Value>, statistics: &Statistics) -> Value {
    let (totals, usage) = (&statistics.totals, &statistics.totals.spent.usage);
    let url = resource.get("url").and_then(Value::as_str).unwrap_or_default();
    json!({
        "url": format!("{url}/stats"),
        "startTime": instant(statistics.since),
        "lastUpdateTime": instant(statistics.until),
        "userCPUTime": text(usage.user),
        "kernelCPUTime": text(usage.kernel),
        "wallClockTime": text(totals.spent.wall_clock),
        "readIOps": usage.reads.to_string(),
        "writeIOps": usage.writes.to_string(),
        "readIOGiB": usage.bytes_read as f64 / GIB,
        "writeIOGiB": usage.bytes_written as f64 / GIB,
        "waitTime": text(totals.wait),
    })
}
