//! The rules of tasks.

use std::path::Path;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::Service;
use super::conditions::Conditions;
use super::limits::{self, TaskRules};
use crate::error::{ApiError, Code, Result};
use crate::node::tree::Tree;
use crate::store::resource::ResourceVersion;
use crate::store::statistics::Totals;
use crate::store::task::{End, Placement, RunHandle, StopReason, Task, TaskResult, TaskState};
use crate::store::{Store, TaskKey};
use crate::wire::job::{JobCreate, OnTaskFailure};
use crate::wire::task::{TaskCreate, TaskReplace};

impl Service {
    /// Creates a task in a job that has not ended, and starts it if it fits on a node.
    pub(crate) fn create_task(
        self: &Arc<Self>,
        job_id: &str,
        spec: TaskCreate,
    ) -> Result<ResourceVersion> {
        let version = self.insert_task(&mut self.store(), job_id, spec)?;
        self.after_delay(Service::schedule);
        Ok(version)
    }

    /// Creates tasks one by one. Each has its own result; an error does not affect the others.
    ///
    /// # Errors
    /// When the job does not exist or accepts no tasks, or the collection is too small or too
    /// large.
    pub(crate) fn create_tasks(
        self: &Arc<Self>,
        job_id: &str,
        specs: Vec<TaskCreate>,
    ) -> Result<Vec<(String, Result<ResourceVersion>)>> {
        limits::check_collection(&specs)?;
        let mut store = self.store();
        store.job(job_id)?.job.require_open()?;
        let results = specs
            .into_iter()
            .map(|spec| (spec.id.clone(), self.insert_task(&mut store, job_id, spec)))
            .collect();
        drop(store);
        self.after_delay(Service::schedule);
        Ok(results)
    }

    fn insert_task(
        &self,
        store: &mut Store,
        job_id: &str,
        spec: TaskCreate,
    ) -> Result<ResourceVersion> {
        let job = &store.job(job_id)?.job;
        let slots_per_node = slots(store, &job.pool_id);
        let rules = TaskRules { slots_per_node, named_users: true, ..self.rules(store, &job.spec) };
        limits::check_task(&spec, rules)?;
        require_user(store, &job.pool_id, &spec)?;
        let number = store.next_number();
        let entry = store.job_mut(job_id)?;
        entry.job.require_open()?;
        entry.job.require_unused_id(&spec.id)?;
        if entry.tasks.get(&spec.id).is_some() {
            return Err(ApiError::from(Code::TaskExists).with("TaskId", spec.id));
        }
        let retries = entry.job.spec.max_task_retries(spec.constraints.as_ref());
        let task = Task::new(spec, number, retries);
        let version = task.version.clone();
        entry.tasks.insert(task);
        Ok(version)
    }

    /// Returns what the job and its pool allow in tasks.
    pub(super) fn rules(&self, store: &Store, job: &JobCreate) -> TaskRules {
        TaskRules {
            slots_per_node: job.pool_info.pool_id.as_ref().and_then(|id| slots(store, id)),
            named_users: false,
            of_schedule: false,
            has_storage: self.context.storage.linked.is_some(),
            uses_dependencies: job.uses_task_dependencies.unwrap_or(false),
            acts_on_failure: job.on_task_failure == OnTaskFailure::PerformExitOptionsJobAction,
        }
    }

    /// Returns a task and the id of its job, if the conditions are met. This is also possible while
    /// the job is being deleted.
    pub(crate) fn task(
        &self,
        job_id: &str,
        id: &str,
        conditions: &Conditions,
    ) -> Result<(Task, String)> {
        let store = self.store();
        let entry = store.job(job_id)?;
        let task = entry.task(id)?;
        if !self.consistency.finds(task.created) {
            return Err(Code::TaskNotFound.into());
        }
        conditions.check_read(&task.version)?;
        Ok((task.clone(), entry.job.spec.id.clone()))
    }

    /// Returns the tasks of a job that lists have, sorted by id, and the id of the job.
    pub(crate) fn tasks(&self, job_id: &str) -> Result<(Vec<Task>, String)> {
        let store = self.store();
        let entry = store.job(job_id)?;
        let tasks = entry.tasks.iter().filter(|task| self.consistency.lists_task(task, &entry.job));
        Ok((tasks.cloned().collect(), entry.job.spec.id.clone()))
    }

    /// Replaces a task's constraints. A run in progress keeps the old ones.
    pub(crate) fn replace_task(
        &self,
        job_id: &str,
        id: &str,
        update: TaskReplace,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        update.constraints.as_ref().map_or(Ok(()), limits::check_task_constraints)?;
        let mut store = self.store();
        let entry = store.job_mut(job_id)?;
        entry.job.require_open()?;
        let retries = entry.job.spec.max_task_retries(update.constraints.as_ref());
        let task = entry.task(id)?;
        conditions.check_write(&task.version)?;
        if task.phase.state == TaskState::Completed {
            return Err(Code::TaskCompleted.into());
        }
        entry.change_task(id, |task| {
            task.spec.constraints = update.constraints;
            task.max_retries = retries;
            task.version = ResourceVersion::new();
            task.version.clone()
        })
    }

    /// Makes a failed task active again, as if it had never run.
    pub(crate) fn reactivate_task(
        self: &Arc<Self>,
        job_id: &str,
        id: &str,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        let version = {
            let mut store = self.store();
            let entry = store.job_mut(job_id)?;
            entry.job.require_open()?;
            conditions.check_write(&entry.task(id)?.version)?;
            entry.change_task(id, reactivate)??
        };
        self.after_delay(Service::schedule);
        Ok(version)
    }

    /// Terminates a task. A running one is completed as soon as its processes have ended and its
    /// output files are uploaded.
    pub(crate) fn terminate_task(
        self: &Arc<Self>,
        job_id: &str,
        id: &str,
        conditions: &Conditions,
    ) -> Result<ResourceVersion> {
        let (task, version) = {
            let mut store = self.store();
            let entry = store.job_mut(job_id)?;
            entry.job.require_not_deleting()?;
            let task = entry.task(id)?;
            conditions.check_write(&task.version)?;
            let key = TaskKey::new(job_id, task);
            (key, entry.change_task(id, terminate)??)
        };
        self.after_task_end(&task);
        Ok(version)
    }

    /// Deletes a task with its files; a running one is stopped first.
    pub(crate) async fn delete_task(
        self: &Arc<Self>,
        job_id: &str,
        id: &str,
        conditions: &Conditions,
    ) -> Result<()> {
        let (task, run) = {
            let store = self.store();
            let entry = store.job(job_id)?;
            entry.job.require_not_deleting()?;
            let task = entry.task(id)?;
            conditions.check_write(&task.version)?;
            (TaskKey::new(job_id, task), task.run.clone())
        };
        if let Some(run) = run {
            run.request_stop(StopReason::Discarded).cancelled().await;
        }
        let placement = self.remove_task(&task).and_then(|task| task.placement);
        self.remove_directories(placement.into_iter().collect()).await;
        self.after_task_end(&task);
        Ok(())
    }

    fn remove_task(&self, wanted: &TaskKey) -> Option<Task> {
        let mut store = self.store();
        store.task(wanted)?;
        let entry = store.job_mut(&wanted.job).ok()?;
        let removed = entry.tasks.remove(&wanted.task)?;
        entry.removed += Totals::of(&removed);
        Some(removed)
    }

    /// Removes the directories of tasks, on a blocking thread because there may be many files.
    pub(super) async fn remove_directories(self: &Arc<Self>, placements: Vec<Placement>) {
        let service = Arc::clone(self);
        let removal = move || placements.iter().for_each(|one| service.remove_directory(one));
        spawn_blocking(removal).await.ok();
    }

    /// Removes the directory of a task, and that of its job if it was the last one. Errors are
    /// ignored: the remaining files are removed with the node.
    pub(super) fn remove_directory(&self, placement: &Placement) {
        let Ok(nodes) = Tree::open(&self.context.root, Path::new(".")) else { return };
        let Ok(directory) = placement.directory.strip_prefix(&self.context.root) else { return };
        nodes.remove(directory).ok();
        // The job's directories can be removed only when they are empty, after its last task.
        let of_job = directory.ancestors().skip(1).take(2);
        of_job.for_each(|directory| drop(nodes.remove_one(directory)));
    }
}

/// Returns the slots of a pool's nodes, if the pool exists.
fn slots(store: &Store, pool: &str) -> Option<u32> {
    store.pool(pool).ok().map(|pool| pool.spec.task_slots_per_node)
}

/// Returns an error unless the task's user account, if it names one, is one of its pool.
fn require_user(store: &Store, pool: &str, task: &TaskCreate) -> Result<()> {
    let Some(name) = task.user_name() else { return Ok(()) };
    match store.pool(pool).is_ok_and(|pool| pool.spec.user(name).is_some()) {
        true => Ok(()),
        false => {
            let reason = "the pool has no user account of this name";
            Err(ApiError::property("userIdentity.username", name, reason))
        }
    }
}

fn terminate(task: &mut Task) -> Result<ResourceVersion> {
    match (&task.run, task.phase.state) {
        (_, TaskState::Completed) => return Err(Code::TaskCompleted.into()),
        (Some(run), _) => drop(run.request_stop(StopReason::UserRequest)),
        (None, _) => task.complete(End::stopped_before_it_ran()),
    }
    task.version = ResourceVersion::new();
    Ok(task.version.clone())
}

fn reactivate(task: &mut Task) -> Result<ResourceVersion> {
    let code = match (task.phase.state, task.result()) {
        (TaskState::Completed, Some(TaskResult::Failure)) => {
            task.reactivate();
            return Ok(task.version.clone());
        }
        (TaskState::Completed, _) => Code::TaskSucceeded,
        _ => Code::TaskNotCompleted,
    };
    Err(ApiError::from(code).with("TaskId", &*task.spec.id))
}

/// Returns the handle of a new run of the task.
pub(super) fn new_run(task: &mut Task) -> RunHandle {
    let run = RunHandle::new();
    task.run = Some(run.clone());
    run
}
