//! Running tasks, and what follows from their end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::Service;
use super::assignments::{Assignment, assignments};
use super::node_tasks::Readiness;
use super::tasks::new_run;
use crate::node::{Node, Work};
use crate::settings::RequeueCount;
use crate::store::task::{End, Placement, RunHandle, StopReason, Task, TaskState};
use crate::store::{Store, TaskKey};
use crate::wire::duration;
use crate::wire::job::JobCreate;
use crate::wire::task::TaskCreate;

/// The default retention time of a task's files.
const RETENTION: &str = "P7D";

/// A task that has its slots and is about to run.
struct ScheduledRun {
    assignment: Assignment,
    node: Arc<Node>,
    work: Work,
    run: RunHandle,
}

/// What happens to a task after a run.
enum RunOutcome {
    /// It becomes active again; `counts` says whether its requeueCount rises.
    Requeued {
        counts: bool,
    },
    Retried,
    Completed(End),
}

impl Service {
    /// Starts every active task that fits on a node.
    pub(super) fn schedule(self: &Arc<Self>) {
        if self.closing.is_cancelled() {
            return;
        }
        let runs: Vec<ScheduledRun> = {
            let mut store = self.store();
            let assignments = assignments(&store, self.state_delay.active);
            assignments.into_iter().filter_map(|one| self.assign(&mut store, one)).collect()
        };
        for scheduled in runs {
            tokio::spawn(Arc::clone(self).run(scheduled));
        }
    }

    /// Assigns slots and a directory to a task.
    fn assign(&self, store: &mut Store, assignment: Assignment) -> Option<ScheduledRun> {
        let node = self.node(&assignment.node)?;
        let job = store.job(&assignment.task.job).ok()?.job.spec.clone();
        let (mut work, run) = store.change_task(&assignment.task, |task| {
            let mut work = work(&node, &job, task.spec.clone());
            let before = task.placement.replace(placement(&node, &work.directory));
            work.is_retry = before.is_some() && before == task.placement;
            task.phase.enter(TaskState::Preparing);
            (work, new_run(task))
        })?;
        work.token = work.task.gets_token().then(|| store.issue_token(&job.id));
        let compute_node = store.node_mut(&assignment.pool, &assignment.node).ok()?;
        let Assignment { slots, is_exclusive, .. } = assignment;
        compute_node.start_task(assignment.task.clone(), slots, is_exclusive);
        Some(ScheduledRun { assignment, node, work, run })
    }

    async fn run(self: Arc<Self>, scheduled: ScheduledRun) {
        let ScheduledRun { assignment, node, work, run } = scheduled;
        self.pause(&run, self.state_delay.preparing).await;
        let end = match self.prepare(&assignment, &node, &run).await {
            Readiness::Ready => Some(self.start(&assignment, &node, &work, &run).await),
            Readiness::PreparationFailed => None,
            Readiness::Stopped => Some(End::stopped_before_it_ran()),
        };
        self.finish_run(&assignment, end, &run);
        work.token.iter().for_each(|token| self.store().revoke_token(token));
        run.ended.cancel();
        self.after_task_end(&assignment.task);
    }

    async fn start(
        self: &Arc<Self>,
        assignment: &Assignment,
        node: &Node,
        work: &Work,
        run: &RunHandle,
    ) -> End {
        self.store().change_task(&assignment.task, |task| {
            task.phase.enter(TaskState::Running);
            task.execution.started = Some(task.phase.since);
        });
        self.apply_run_fault(assignment);
        let end = node.run(work, run).await;
        self.pause(run, self.state_delay.running).await;
        end
    }

    /// Waits for the minimum time of a state, unless the run is abandoned.
    async fn pause(&self, run: &RunHandle, delay: Duration) {
        tokio::select! {
            () = sleep(delay) => {}
            () = run.abandoned() => {}
        }
    }

    /// Records the end of a run: the task is completed, or becomes active again. `end` is `None` if
    /// the run never began, because the node's preparation failed: the task waits for another node.
    fn finish_run(self: &Arc<Self>, assignment: &Assignment, end: Option<End>, run: &RunHandle) {
        let mut store = self.store();
        let open =
            store.job(&assignment.task.job).is_ok_and(|entry| entry.job.require_open().is_ok());
        let asked = *run.stop.borrow();
        let result = store.change_task(&assignment.task, |task| {
            task.end_run();
            match self.outcome(task, end, asked, open) {
                RunOutcome::Requeued { counts } => task.requeue(counts),
                RunOutcome::Retried => task.retry(),
                RunOutcome::Completed(end) => {
                    task.complete(end);
                    self.schedule_cleanup(&assignment.task, task);
                }
            }
            task.result()
        });
        if let Ok(node) = store.node_mut(&assignment.pool, &assignment.node) {
            node.end_task(&assignment.task, result.flatten());
        }
    }

    fn outcome(
        &self,
        task: &Task,
        end: Option<End>,
        asked: Option<StopReason>,
        job_is_open: bool,
    ) -> RunOutcome {
        let Some(end) = end.or_else(|| asked.map(|_| End::stopped_before_it_ran())) else {
            return RunOutcome::Requeued { counts: false };
        };
        let failed = !end.was_stopped() && end.exit_code.is_some_and(|code| code != 0);
        match asked {
            Some(StopReason::NodeLost) => {
                RunOutcome::Requeued { counts: self.requeue_count == RequeueCount::All }
            }
            Some(StopReason::Requeue) if end.was_stopped() => RunOutcome::Requeued { counts: true },
            None if job_is_open && failed && task.may_retry() => RunOutcome::Retried,
            _ => RunOutcome::Completed(end),
        }
    }

    /// Removes the task's directory when its retention time has passed.
    fn schedule_cleanup(self: &Arc<Self>, key: &TaskKey, task: &mut Task) {
        let own = task.spec.constraints.as_ref().and_then(|own| own.retention_time.as_deref());
        let Some(retention) = duration::parse(own.unwrap_or(RETENTION)) else { return };
        let (service, key) = (Arc::clone(self), key.clone());
        let cleanup = tokio::spawn(async move {
            tokio::select! {
                () = sleep(retention) => {}
                () = service.closing.cancelled() => return,
            }
            service.store().change_task(&key, |task| {
                task.placement.iter().for_each(|placement| service.remove_directory(placement));
                task.cleaned_up = true;
            });
        });
        task.cleanup = Some(Arc::new(AbortOnDropHandle::new(cleanup)));
    }

    /// Applies the effects of a task's end on its job and on waiting tasks.
    pub(super) fn after_task_end(self: &Arc<Self>, task: &TaskKey) {
        self.terminate_with_manager(task);
        self.perform_job_action(task);
        self.terminate_if_complete(&task.job);
        self.after_delay(Service::schedule);
    }
}

/// Returns what a node needs to run a task of a job.
pub(super) fn work(node: &Node, job: &JobCreate, task: TaskCreate) -> Work {
    let preparation = job.job_preparation_task.as_ref().filter(|own| own.id != task.id);
    Work {
        job_id: Some(job.id.clone()),
        directory: node.task_directory(&job.id, &task.id),
        preparation: preparation.map(|own| node.task_directory(&job.id, &own.id)),
        common_environment: job.common_environment_settings.clone().unwrap_or_default(),
        is_retry: false,
        token: None,
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
