//! Which task runs when, and what follows from its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::Service;
use super::node_tasks::Readiness;
use super::placing::{Placing, placings};
use super::tasks::new_run;
use crate::node::{Node, Work};
use crate::settings::RequeueCount;
use crate::store::task::{End, Placement, RunHandle, StopReason, Task, TaskState};
use crate::store::{Store, TaskKey};
use crate::wire::duration;
use crate::wire::job::JobAdd;
use crate::wire::task::TaskAdd;

/// The retention time of a task that names none.
const RETENTION: &str = "P7D";

/// A task that got its slots and is about to run.
struct Assignment {
    placing: Placing,
    node: Arc<Node>,
    work: Work,
    run: RunHandle,
}

/// What becomes of a task after a run.
enum Verdict {
    /// It is active again; its requeueCount may count that.
    Requeued {
        counts: bool,
    },
    Retried,
    Completed(End),
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
        let job = store.job(&placing.task.job).ok()?.job.spec.clone();
        let (work, run) = store.change_task(&placing.task, |task| {
            let work = work(&node, &job, task.spec.clone());
            task.placement = Some(placement(&node, &work.directory));
            task.enter(TaskState::Preparing);
            (work, new_run(task))
        })?;
        let shown = store.node_mut(&placing.pool, &placing.node).ok()?;
        shown.begin(placing.task.clone(), placing.slots);
        Some(Assignment { placing, node, work, run })
    }

    async fn run(self: Arc<Self>, assignment: Assignment) {
        let Assignment { placing, node, work, run } = assignment;
        self.pause(&run, self.state_delay.preparing).await;
        let end = match self.prepare(&placing, &node, &run).await {
            Readiness::Ready => Some(self.start(&placing, &node, &work, &run).await),
            Readiness::Barred => None,
            Readiness::Stopped => Some(End::stopped_before_it_ran()),
        };
        self.conclude(&placing, end, &run);
        run.over.cancel();
        self.after_end(&placing.task);
    }

    async fn start(
        self: &Arc<Self>,
        placing: &Placing,
        node: &Node,
        work: &Work,
        run: &RunHandle,
    ) -> End {
        self.store().change_task(&placing.task, |task| {
            task.enter(TaskState::Running);
            task.execution.started = Some(task.phase.since);
        });
        self.meet_fault(placing);
        let end = node.run(work, run.stop.subscribe()).await;
        self.pause(run, self.state_delay.running).await;
        end
    }

    /// Lets the state of a task last, unless nobody will ask for the task any more.
    async fn pause(&self, run: &RunHandle, delay: Duration) {
        tokio::select! {
            () = sleep(delay) => {}
            () = run.abandoned() => {}
        }
    }

    /// Writes down the end of a run: the task is completed, or active again for another try.
    /// Without an end it never began, for its node is not prepared, and waits for another node.
    fn conclude(self: &Arc<Self>, placing: &Placing, end: Option<End>, run: &RunHandle) {
        let mut store = self.store();
        let open = store.job(&placing.task.job).is_ok_and(|entry| entry.job.require_open().is_ok());
        let asked = *run.stop.borrow();
        let result = store.change_task(&placing.task, |task| {
            task.run = None;
            match self.verdict(task, end, asked, open) {
                Verdict::Requeued { counts } => task.requeue(counts),
                Verdict::Retried => task.retry(),
                Verdict::Completed(end) => {
                    task.complete(end);
                    self.keep_files(&placing.task, task);
                }
            }
            task.result()
        });
        if let Ok(node) = store.node_mut(&placing.pool, &placing.node) {
            node.end(&placing.task, result.flatten());
        }
    }

    fn verdict(
        &self,
        task: &Task,
        end: Option<End>,
        asked: Option<StopReason>,
        job_is_open: bool,
    ) -> Verdict {
        let Some(end) = end.or_else(|| asked.map(|_| End::stopped_before_it_ran())) else {
            return Verdict::Requeued { counts: false };
        };
        let failed = end.exit_code.is_some_and(|code| code != 0);
        match asked {
            Some(StopReason::NodeLost) => {
                Verdict::Requeued { counts: self.requeue_count == RequeueCount::All }
            }
            Some(StopReason::Requeue) if end.was_stopped() => Verdict::Requeued { counts: true },
            None if job_is_open && failed && task.may_retry() => Verdict::Retried,
            _ => Verdict::Completed(end),
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
                task.placement.iter().for_each(|placement| service.remove_directory(placement));
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

/// What a node does for a task of a job.
pub(super) fn work(node: &Node, job: &JobAdd, task: TaskAdd) -> Work {
    let preparation = job.job_preparation_task.as_ref().filter(|own| own.id != task.id);
    Work {
        job_id: Some(job.id.clone()),
        directory: node.task_directory(&job.id, &task.id),
        preparation: preparation.map(|own| node.task_directory(&job.id, &own.id)),
        common_environment: job.common_environment_settings.clone().unwrap_or_default(),
        task,
    }
}

pub(super) fn placement(
    node: &Node,
    directory: &crate::node::directory::TaskDirectory,
) -> Placement {
    Placement {
        pool_id: node.pool_id.clone(),
        node_id: node.id.clone(),
        task_root_directory: directory.relative.clone(),
        directory: directory.host(),
    }
}
