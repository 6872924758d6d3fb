//! The dependencies of a task.

use serde::{Deserialize, Serialize};

/// The tasks whose success a task waits for.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TaskDependencies {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_id_ranges: Option<Vec<TaskIdRange>>,
}

/// The tasks with ids in a range of numbers, both ends included.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskIdRange {
    pub(crate) start: i32,
    pub(crate) end: i32,
}

impl TaskDependencies {
    /// Returns whether it contains no task.
    pub(crate) fn is_empty(&self) -> bool {
        self.task_ids.as_ref().is_none_or(Vec::is_empty)
            && self.task_id_ranges.as_ref().is_none_or(Vec::is_empty)
    }

    /// Returns the ids of these tasks. A range may be far larger than the job, so callers should
    /// stop early.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        let single = self.task_ids.iter().flatten().cloned();
        let ranges = self.task_id_ranges.iter().flatten();
        single.chain(ranges.flat_map(|range| (range.start..=range.end).map(|id| id.to_string())))
    }
}
