//! The number of a job's tasks in each state.

use serde::Serialize;

use super::Service;
use crate::error::Result;
use crate::store::task::{Task, TaskResult, TaskState};

/// The number of tasks, or of their slots.
#[derive(Default, Serialize)]
pub(crate) struct Counts {
    active: u32,
    /// Includes preparing ones.
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
    /// Counts the tasks of a job.
    pub(crate) fn task_counts(&self, job_id: &str) -> Result<TaskCounts> {
        let store = self.store();
        let mut counts = TaskCounts::default();
        let tasks = store.job(job_id)?.tasks.iter();
        for task in tasks.filter(|task| self.consistency.counts(task.created)) {
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
