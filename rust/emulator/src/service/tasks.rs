//! The rules of tasks.

use std::sync::Arc;

use super::conditions::Conditions;
use super::{Service, jobs, limits};
use crate::error::{ApiError, Code, Result};
use crate::store::stamp::Stamp;
use crate::store::task::{End, FailureInfo, RunHandle, StopReason, Task, TaskState};
use crate::wire::task::TaskAdd;

impl Service {
    /// Adds a task to an active job and starts it where a node has room.
    pub(crate) fn add_task(self: &Arc<Self>, job_id: &str, spec: TaskAdd) -> Result<Stamp> {
        limits::check_task(&spec, self.slots_per_node(job_id))?;
        let stamp = self.insert_task(job_id, spec)?;
        self.after_delay(Service::schedule);
        Ok(stamp)
    }

    /// The slots of a node of the job's pool; `None` as long as there is no such pool.
    fn slots_per_node(&self, job_id: &str) -> Option<u32> {
        let store = self.store();
        let job = &store.job(job_id).ok()?.job;
        store.pool(&job.spec.pool_info.pool_id).ok().map(|pool| pool.settings.slots)
    }

    fn insert_task(&self, job_id: &str, spec: TaskAdd) -> Result<Stamp> {
        let mut store = self.store();
        let number = store.next_number();
        let entry = store.job_mut(job_id)?;
        entry.job.require_active()?;
        if entry.tasks.get(&spec.id).is_some() {
            return Err(ApiError::from(Code::TaskExists).with("TaskId", spec.id));
        }
        let own = spec.constraints.as_ref().and_then(|own| own.max_task_retry_count);
        let of_job = jobs::default_retries(entry.job.spec.constraints.as_ref());
        let task = Task::new(spec, number, own.unwrap_or(of_job));
        let stamp = task.stamp.clone();
        entry.tasks.insert(task);
        Ok(stamp)
    }

    /// A task and the id of its job, if the conditions allow to read it. A job that is being
    /// deleted only refuses changes.
    pub(crate) fn task(
        &self,
        job_id: &str,
        id: &str,
        conditions: &Conditions,
    ) -> Result<(Task, String)> {
        let store = self.store();
        let entry = store.job(job_id)?;
        let task = entry.task(id)?;
        conditions.check_read(&task.stamp)?;
        Ok((task.clone(), entry.job.spec.id.clone()))
    }

    /// The tasks of a job in the order of their ids, and the id of the job.
    pub(crate) fn tasks(&self, job_id: &str) -> Result<(Vec<Task>, String)> {
        let store = self.store();
        let entry = store.job(job_id)?;
        Ok((entry.tasks.iter().cloned().collect(), entry.job.spec.id.clone()))
    }

    /// Ends a task. One that runs is completed as soon as its processes are gone and its output
    /// files are uploaded.
    pub(crate) fn terminate_task(
        self: &Arc<Self>,
        job_id: &str,
        id: &str,
        conditions: &Conditions,
    ) -> Result<()> {
        {
            let mut store = self.store();
            let entry = store.job_mut(job_id)?;
            entry.job.require_not_deleting()?;
            conditions.check_write(&entry.task(id)?.stamp)?;
            entry.change_task(id, terminate)??;
        }
        self.after_end(job_id);
        Ok(())
    }

    /// Deletes a task with its files; one that runs is ended first.
    pub(crate) async fn delete_task(
        self: &Arc<Self>,
        job_id: &str,
        id: &str,
        conditions: &Conditions,
    ) -> Result<()> {
        let (number, run) = {
            let store = self.store();
            let entry = store.job(job_id)?;
            entry.job.require_not_deleting()?;
            let task = entry.task(id)?;
            conditions.check_write(&task.stamp)?;
            (task.number, task.run.clone())
        };
        if let Some(run) = run {
            run.ask(StopReason::Discarded).cancelled().await;
        }
        self.remove_task(job_id, id, number);
        self.after_end(job_id);
        Ok(())
    }

    fn remove_task(&self, job_id: &str, id: &str, number: u64) {
        let mut store = self.store();
        let Ok(entry) = store.job_mut(job_id) else { return };
        if entry.task(id).is_ok_and(|task| task.number == number)
            && let Some(task) = entry.tasks.remove(id)
        {
            remove_files(&task);
        }
    }
}

fn terminate(task: &mut Task) -> Result<()> {
    match (&task.run, task.phase.state) {
        (_, TaskState::Completed) => {
            Err(ApiError::from(Code::TaskCompleted).with("TaskId", &*task.spec.id))
        }
        (Some(run), _) => {
            run.ask(StopReason::UserRequest);
            Ok(())
        }
        (None, _) => {
            let message = "The task was ended by user request before it ran";
            task.complete(End::without_exit_code(FailureInfo::user("TaskEnded", message)));
            Ok(())
        }
    }
}

/// Removes what a task left on its node. A file that cannot be removed is no error of the task;
/// it goes with the node.
pub(super) fn remove_files(task: &Task) {
    let Some(placement) = &task.placement else { return };
    std::fs::remove_dir_all(&placement.directory).ok();
    // The directories of the job go with its last task; until then they are not empty.
    let of_job = placement.directory.ancestors().skip(1).take(2);
    of_job.for_each(|directory| drop(std::fs::remove_dir(directory)));
}

/// The run of a task that is about to start.
pub(super) fn new_run(task: &mut Task) -> RunHandle {
    let run = RunHandle::new();
    task.run = Some(run.clone());
    run
}
