//! The metrics of a pool.

use crate::store::auto_scale::Measures;

/// A read-only variable of the service.
pub(super) struct Metric {
    pub(super) name: &'static str,
    /// `None` if the emulator does not measure it: it never has samples.
    pub(super) measure: Option<fn(&Measures) -> usize>,
}

/// All metrics. Old names of the same metric have their own row.
static METRICS: [Metric; 22] = [
    measured("$ActiveTasks", |pool| pool.active_tasks),
    measured("$RunningTasks", |pool| pool.running_tasks),
    measured("$PendingTasks", |pool| pool.active_tasks + pool.running_tasks),
    measured("$SucceededTasks", |pool| pool.succeeded_tasks),
    measured("$FailedTasks", |pool| pool.failed_tasks),
    measured("$CurrentDedicatedNodes", |pool| pool.dedicated_nodes),
    measured("$CurrentDedicated", |pool| pool.dedicated_nodes),
    measured("$CurrentLowPriorityNodes", |pool| pool.low_priority_nodes),
    measured("$CurrentLowPriority", |pool| pool.low_priority_nodes),
    measured("$PreemptedNodeCount", |pool| pool.preempted_nodes),
    measured("$UsableNodeCount", |pool| pool.usable_nodes),
    measured("$SampleNodeCount", |pool| pool.dedicated_nodes + pool.low_priority_nodes),
    unmeasured("$CPUPercent"),
    unmeasured("$WallClockSeconds"),
    unmeasured("$MemoryBytes"),
    unmeasured("$DiskBytes"),
    unmeasured("$DiskReadBytes"),
    unmeasured("$DiskWriteBytes"),
    unmeasured("$DiskReadOps"),
    unmeasured("$DiskWriteOps"),
    unmeasured("$NetworkInBytes"),
    unmeasured("$NetworkOutBytes"),
];

const fn measured(name: &'static str, measure: fn(&Measures) -> usize) -> Metric {
    Metric { name, measure: Some(measure) }
}

const fn unmeasured(name: &'static str) -> Metric {
    Metric { name, measure: None }
}

/// Returns the metric of this name.
pub(super) fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}
