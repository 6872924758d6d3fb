//! Which task runs when, and what follows from its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::Service;
use super::placing::{Placing, placings};
use super::tasks::{new_run, remove_files};
use crate::node::{Node, Work};
use crate::settings::RequeueCount;
use crate::store::task::{End, Placement, RunHandle, StopReason, Task, TaskState};
use crate::store::{Store, TaskKey};
use crate::wire::duration;

/// The retention time of a task that names none.
const RETENTION: &str = "P7D";

/// A task that got its slots and is about to run.
struct Assignment {
    placing: Placing,
    node: Arc<Node>,
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
            let placings = placings(&store, self.state_delay.active);
            placings.into_iter().filter_map(|one| self.assign(&mut store, one)).collect()
        };
        for assignment in assignments {
            tokio::spawn(Arc::clone(self).run(assignment));
        }
    }

    /// Gives a task its slots and its directory.
    fn assign(&self, store: &mut Store, placing: Placing) -> Option<Assignment> {
        let node = self.node(&placing.node)?;
        let job = &store.job(&placing.task.job).ok()?.job.spec;
        let common_environment = job.common_environment_settings.clone().unwrap_or_default();
        let job_id = job.id.clone();
        let (work, run) = store.change_task(&placing.task, |task| {
            let directory = node.task_directory(&job_id, &task.spec.id);
            task.placement = Some(placement(&node, &directory));
            task.enter(TaskState::Preparing);
            let job_id = Some(job_id);
            let work = Work { job_id, task: task.spec.clone(), common_environment, directory };
            (work, new_run(task))
        })?;
        let shown = store.node_mut(&placing.pool, &placing.node).ok()?;
        shown.begin(placing.task.clone(), placing.slots);
        Some(Assignment { placing, node, work, run })
    }

    async fn run(self: Arc<Self>, assignment: Assignment) {
        let Assignment { placing, node, work, run } = assignment;
        self.pause(&run, self.state_delay.preparing).await;
        self.store().change_task(&placing.task, |task| {
            task.enter(TaskState::Running);
            task.execution.started = Some(task.phase.since);
        });
        self.meet_fault(&placing);
        let end = node.run(&work, run.stop.subscribe()).await;
        self.pause(&run, self.state_delay.running).await;
        self.conclude(&placing, end, &run);
        run.over.cancel();
        self.after_end(&placing.task);
    }

    /// Lets the state of a task last, unless nobody will ask for the task any more.
    async fn pause(&self, run: &RunHandle, delay: Duration) {
        tokio::select! {
            () = sleep(delay) => {}
            () = run.abandoned() => {}
        }
    }

    /// Writes down the end of a run: the task is completed, or active again for another try.
    fn conclude(self: &Arc<Self>, placing: &Placing, end: End, run: &RunHandle) {
        let mut store = self.store();
        let open = store.job(&placing.task.job).is_ok_and(|entry| entry.job.require_open().is_ok());
        let asked = *run.stop.borrow();
        let result = store.change_task(&placing.task, |task| {
            task.run = None;
            if asked == Some(StopReason::NodeLost) {
                task.requeue(self.requeue_count == RequeueCount::All);
            } else if asked == Some(StopReason::Requeue) && end.was_stopped() {
                task.requeue(true);
            } else if open
                && asked.is_none()
                && end.exit_code.is_some_and(|code| code != 0)
                && task.may_retry()
            {
                task.retry();
            } else {
                task.complete(end);
                self.keep_files(&placing.task, task);
            }
            task.result()
        });
        if let Ok(node) = store.node_mut(&placing.pool, &placing.node) {
            node.end(&placing.task, result.flatten());
        }
    }

    /// Removes the task's directory when its retention time is over.
    fn keep_files(self: &Arc<Self>, key: &TaskKey, task: &mut Task) {
        let own = task.spec.constraints.as_ref().and_then(|own| own.retention_time.as_deref());
        let Some(retention) = duration::parse(own.unwrap_or(RETENTION)) else { return };
        let (service, key) = (Arc::clone(self), key.clone());
        let cleaning = tokio::spawn(async move {
            tokio::select! {
                () = sleep(retention) => {}
                () = service.closing.cancelled() => return,
            }
            service.store().change_task(&key, |task| {
                remove_files(task);
                task.cleaned_up = true;
            });
        });
        task.cleaning = Some(Arc::new(AbortOnDropHandle::new(cleaning)));
    }

    /// What the end of a task means for its job and for the tasks that wait.
    pub(super) fn after_end(self: &Arc<Self>, task: &TaskKey) {
        self.perform_job_action(task);
        self.end_if_due(&task.job);
        self.after_delay(Service::schedule);
    }
}

fn placement(node: &Node, directory: &crate::node::directory::TaskDirectory) -> Placement {
    Placement {
        pool_id: node.pool_id.clone(),
        node_id: node.id.clone(),
        task_root_directory: directory.relative.clone(),
        directory: directory.host.clone(),
    }
}
