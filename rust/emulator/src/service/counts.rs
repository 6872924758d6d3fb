//! How many tasks a job has in each state.

use serde::Serialize;

use super::Service;
use crate::error::Result;
use crate::store::task::{Task, TaskResult, TaskState};

/// Tasks or their slots, by what became of them.
#[derive(Default, Serialize)]
pub(crate) struct Counts {
    active: u32,
    /// Preparing ones too.
    running: u32,
    completed: u32,
    succeeded: u32,
    failed: u32,
}

/// [Get Job Task Counts](https://learn.microsoft.com/rest/api/batchservice/jobs/get-job-task-counts)
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskCounts {
    task_counts: Counts,
    task_slot_counts: Counts,
}

impl Service {
    /// The tasks of a job, counted.
    pub(crate) fn task_counts(&self, job_id: &str) -> Result<TaskCounts> {
        let store = self.store();
        let mut counts = TaskCounts::default();
        for task in store.job(job_id)?.tasks.iter() {
            counts.task_counts.add(task, 1);
            counts.task_slot_counts.add(task, task.slots());
        }
        Ok(counts)
    }
}

impl Counts {
    fn add(&mut self, task: &Task, number: u32) {
        match task.phase.state {
            TaskState::Active => self.active += number,
            TaskState::Preparing | TaskState::Running => self.running += number,
            TaskState::Completed => self.completed += number,
        }
        match task.result() {
            Some(TaskResult::Success) => self.succeeded += number,
            Some(TaskResult::Failure) => self.failed += number,
            None => {}
        }
    }
}
