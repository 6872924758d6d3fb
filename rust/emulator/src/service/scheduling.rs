//! Which task runs when, and what follows from its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Service;
use super::tasks::{new_run, remove_files};
use crate::node::{Node, Work};
use crate::store::job::JobState;
use crate::store::task::{End, Placement, RunHandle, Task, TaskState};
use crate::store::{Store, TaskKey, key};
use crate::wire::duration;

/// The retention time of a task that names none.
const RETENTION: &str = "P7D";

/// A task that got its slots and is about to run.
struct Assignment {
    key: TaskKey,
    /// The key of the pool.
    pool: String,
    slots: u32,
    work: Work,
    run: RunHandle,
}

impl Service {
    /// Starts every active task that finds room on a node.
    pub(super) fn schedule(self: &Arc<Self>) {
        if self.closing.is_cancelled() {
            return;
        }
        let assignments: Vec<Assignment> = {
            let mut store = self.store();
            let waiting = waiting(&store, self.state_delay);
            waiting.iter().filter_map(|task| self.assign(&mut store, task)).collect()
        };
        for assignment in assignments {
            tokio::spawn(Arc::clone(self).run(assignment));
        }
    }

    /// Gives a task its slots and its directory, if its pool exists and has room.
    fn assign(&self, store: &mut Store, wanted: &TaskKey) -> Option<Assignment> {
        let job = store.job(&wanted.job).ok()?.job.clone();
        let pool_key = key(&job.spec.pool_info.pool_id);
        let node = self.nodes.get(&pool_key)?;
        let slots = store.task_mut(wanted)?.slots();
        let pool = store.pools.get_mut(&pool_key)?;
        pool.free_slots = pool.free_slots.checked_sub(slots)?;
        let task = store.task_mut(wanted)?;
        let directory = node.task_directory(&job.spec.id, &task.spec.id);
        task.placement = Some(placement(node, &directory));
        task.enter(TaskState::Preparing);
        let work = Work {
            job_id: job.spec.id.clone(),
            task: task.spec.clone(),
            common_environment: job.spec.common_environment_settings.unwrap_or_default(),
            directory,
        };
        let run = new_run(task);
        Some(Assignment { key: wanted.clone(), pool: pool_key, slots, work, run })
    }

    async fn run(self: Arc<Self>, assignment: Assignment) {
        let Assignment { key, pool, slots, work, run } = assignment;
        self.pause(&run).await;
        if let Some(task) = self.store().task_mut(&key) {
            task.enter(TaskState::Running);
            task.execution.started = Some(task.phase.since);
        }
        if let Some(node) = self.nodes.get(&pool) {
            let end = node.run(&work, run.stop.subscribe()).await;
            self.pause(&run).await;
            self.conclude(&key, end, &run);
        }
        if let Some(pool) = self.store().pools.get_mut(&pool) {
            pool.free_slots += slots;
        }
        run.over.cancel();
        self.after_end(&key.job);
    }

    /// Lets the state of a task last, unless nobody will ask for the task any more.
    async fn pause(&self, run: &RunHandle) {
        tokio::select! {
            () = sleep(self.state_delay) => {}
            () = run.discarded() => {}
        }
    }

    /// Writes down the end of a run: the task is completed, or active again for another try.
    fn conclude(self: &Arc<Self>, key: &TaskKey, end: End, run: &RunHandle) {
        let mut store = self.store();
        let job_is_active =
            store.job(&key.job).is_ok_and(|entry| entry.job.phase.state == JobState::Active);
        let Some(task) = store.task_mut(key) else { return };
        task.run = None;
        let non_zero = end.exit_code.is_some_and(|code| code != 0);
        let stopped = run.stop.borrow().is_some();
        if non_zero && !stopped && job_is_active && task.may_retry() {
            task.execution.retries += 1;
            task.enter(TaskState::Active);
            task.execution.last_retry = Some(task.phase.since);
        } else {
            task.complete(end);
            self.keep_files(key, task);
        }
    }

    /// Removes the task's directory when its retention time is over.
    fn keep_files(self: &Arc<Self>, key: &TaskKey, task: &Task) {
        let own = task.spec.constraints.as_ref().and_then(|own| own.retention_time.as_deref());
        let Some(retention) = duration::parse(own.unwrap_or(RETENTION)) else { return };
        let (service, key) = (Arc::clone(self), key.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(retention) => {}
                () = service.closing.cancelled() => return,
            }
            if let Some(task) = service.store().task_mut(&key) {
                remove_files(task);
                task.cleaned_up = true;
            }
        });
    }

    /// What the end of a task means for its job and for the tasks that wait.
    pub(super) fn after_end(self: &Arc<Self>, job_id: &str) {
        self.end_if_due(job_id);
        self.after_delay(Service::schedule);
    }
}

/// The tasks of active jobs that have been active for this long: higher priority first, then in
/// the order of creation.
fn waiting(store: &Store, delay: Duration) -> Vec<TaskKey> {
    let jobs = store.jobs.values().filter(|entry| entry.job.phase.state == JobState::Active);
    let mut waiting: Vec<(i32, TaskKey)> = jobs
        .flat_map(|entry| {
            let priority = entry.job.spec.priority.unwrap_or(0);
            let waiting = entry.tasks.values().filter(|task| task.is_waiting(delay));
            waiting.map(move |task| (priority, task_key(&entry.job.spec.id, task)))
        })
        .collect();
    waiting.sort_by_key(|(priority, task)| (-priority, task.number));
    waiting.into_iter().map(|(_, task)| task).collect()
}

fn task_key(job_id: &str, task: &Task) -> TaskKey {
    TaskKey { job: job_id.to_owned(), task: task.spec.id.clone(), number: task.number }
}

fn placement(node: &Node, directory: &crate::node::directory::TaskDirectory) -> Placement {
    Placement {
        pool_id: node.pool.id.clone(),
        node_id: node.id.clone(),
        task_root_directory: directory.relative.clone(),
        directory: directory.host.clone(),
    }
}
