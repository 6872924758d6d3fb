//! The preparation and release tasks of jobs, which run once per node.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Service;
use super::assignments::Assignment;
use super::scheduling::{placement, work};
use crate::error::{Code, Result};
use crate::node::{Node, Work};
use crate::store::Store;
use crate::store::job::JobEntry;
use crate::store::node::ComputeNode;
use crate::store::node_task::{NodeTask, NodeTaskKind, NodeTasks};
use crate::store::task::{End, RunHandle};

/// Whether a task may start on its node.
pub(super) enum Readiness {
    Ready,
    /// The job's preparation task failed on the node.
    PreparationFailed,
    /// The task was asked to stop while it waited.
    Stopped,
}

/// A running preparation or release task.
struct NodeRun {
    job: String,
    number: u64,
    kind: NodeTaskKind,
    node: Arc<Node>,
    work: Work,
    run: RunHandle,
    max_retries: i32,
}

impl Service {
    /// Returns the preparation and release tasks of a job, with the ids of their nodes.
    ///
    /// # Errors
    /// `JobPreparationTaskOrReleaseTaskNotSpecified` for a job without them.
    pub(crate) fn node_tasks(&self, job_id: &str) -> Result<Vec<(String, NodeTasks)>> {
        let store = self.store();
        let entry = store.job(job_id)?;
        if entry.job.spec.job_preparation_task.is_none() {
            return Err(Code::JobPreparationTaskOrReleaseTaskNotSpecified.into());
        }
        let all = entry.node_tasks.iter();
        Ok(all.map(|(node, tasks)| (node.clone(), tasks.clone())).collect())
    }

    /// Makes sure that the job's preparation task runs on the node, and waits for it if
    /// `waitForSuccess` is set.
    pub(super) async fn prepare(
        self: &Arc<Self>,
        assignment: &Assignment,
        node: &Arc<Node>,
        task: &RunHandle,
    ) -> Readiness {
        let preparation = match self.preparation(assignment, node, task) {
            ControlFlow::Continue(Some(preparation)) => preparation,
            ControlFlow::Continue(None) => return Readiness::Ready,
            ControlFlow::Break(()) => return Readiness::Stopped,
        };
        tokio::select! {
            () = preparation.ended.cancelled() => {}
            () = task.stop_requested() => return Readiness::Stopped,
        }
        match self.is_prepared(assignment) {
            true => Readiness::Ready,
            false => Readiness::PreparationFailed,
        }
    }

    /// Returns the run of the preparation task that a task has to wait for, if any. Starts it if
    /// necessary, but not for a task that was asked to stop: nothing would stop the preparation
    /// then.
    fn preparation(
        self: &Arc<Self>,
        assignment: &Assignment,
        node: &Arc<Node>,
        task: &RunHandle,
    ) -> ControlFlow<(), Option<RunHandle>> {
        let mut store = self.store();
        match task.stop.borrow().is_some() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(self.begin_preparation(&mut store, assignment, node)),
        }
    }

    fn begin_preparation(
        self: &Arc<Self>,
        store: &mut Store,
        assignment: &Assignment,
        node: &Arc<Node>,
    ) -> Option<RunHandle> {
        let compute_node = store.pool(&assignment.pool).ok()?.node(&assignment.node).ok()?.clone();
        let entry = store.job_mut(&assignment.task.job).ok()?;
        let spec = entry.job.spec.job_preparation_task.clone()?;
        let known = entry.node_tasks.get(&node.id).and_then(|tasks| tasks.preparation.as_ref());
        let run = match known.filter(|known| !known.is_outdated(&spec, &compute_node)) {
            Some(known) => known.run.clone(),
            None => self.begin(entry, node, &compute_node, NodeTaskKind::Preparation)?,
        };
        spec.wait_for_success.then_some(run)
    }

    fn is_prepared(&self, assignment: &Assignment) -> bool {
        let store = self.store();
        let Ok(entry) = store.job(&assignment.task.job) else { return false };
        let tasks = entry.node_tasks.get(&assignment.node);
        let preparation = tasks.and_then(|tasks| tasks.preparation.as_ref());
        preparation.is_some_and(|preparation| preparation.has_ended() && preparation.succeeded())
    }

    /// Runs the job's release task on every prepared node, and waits for all of them.
    pub(super) async fn release(self: &Arc<Self>, job_id: &str, number: u64) {
        for run in self.begin_releases(job_id, number) {
            run.ended.cancelled().await;
        }
    }

    fn begin_releases(self: &Arc<Self>, job_id: &str, number: u64) -> Vec<RunHandle> {
        let mut store = self.store();
        let nodes = to_release(&store, job_id, number);
        let Ok(entry) = store.job_mut(job_id) else { return Vec::new() };
        let begun =
            nodes.iter().filter(|_| !self.closing.is_cancelled()).filter_map(|compute_node| {
                let node = self.node(&compute_node.id)?;
                self.begin(entry, &node, compute_node, NodeTaskKind::Release)
            });
        begun.collect()
    }

    fn begin(
        self: &Arc<Self>,
        entry: &mut JobEntry,
        node: &Arc<Node>,
        compute_node: &ComputeNode,
        kind: NodeTaskKind,
    ) -> Option<RunHandle> {
        let job = &entry.job.spec;
        let (task, max_retries) = match kind {
            NodeTaskKind::Preparation => {
                let spec = job.job_preparation_task.as_ref()?;
                (spec.as_task(), spec.max_retries())
            }
            NodeTaskKind::Release => (job.job_release_task.as_ref()?.as_task(), 0),
        };
        let (job_id, node) = (job.id.clone(), Arc::clone(node));
        let work = work(&node, job, task);
        // A task that does not wait for the preparation task must find its directory. If it cannot
        // be created, the run reports it.
        work.directory.create().ok();
        let begun = NodeTask::begin(placement(&node, &work.directory), compute_node);
        let run = begun.run.clone();
        entry.node_tasks.entry(node.id.clone()).or_default().set(kind, begun);
        let number = entry.job.number;
        let one = NodeRun { job: job_id, number, kind, node, work, run: run.clone(), max_retries };
        tokio::spawn(Arc::clone(self).run_on_node(one));
        Some(run)
    }

    async fn run_on_node(self: Arc<Self>, one: NodeRun) {
        loop {
            let end = one.node.run(&one.work, &one.run).await;
            if !self.record_attempt(&one, end) {
                break;
            }
        }
        one.run.ended.cancel();
    }

    /// Records the end of an attempt. Returns whether another attempt follows.
    fn record_attempt(&self, one: &NodeRun, end: End) -> bool {
        let mut store = self.store();
        let Ok(entry) = store.job_mut(&one.job) else { return false };
        let tasks =
            entry.node_tasks.get_mut(&one.node.id).filter(|_| entry.job.number == one.number);
        let Some(task) = tasks.and_then(|tasks| tasks.get_mut(one.kind)) else { return false };
        let failed = end.exit_code.is_some_and(|code| code != 0);
        let again = failed
            && one.run.stop.borrow().is_none()
            && (one.max_retries == -1
                || i64::from(task.execution.retries) < one.max_retries.into());
        if again {
            task.retry()
        } else {
            task.complete(end)
        }
        again
    }
}

/// Returns the reachable nodes on which the job was prepared but not yet released.
fn to_release(store: &Store, job_id: &str, number: u64) -> Vec<ComputeNode> {
    let Ok(entry) = store.job(job_id) else { return Vec::new() };
    let spec = entry.job.spec.job_preparation_task.as_ref();
    let Some(spec) = spec.filter(|_| entry.job.number == number) else { return Vec::new() };
    let prepared = entry.node_tasks.iter().filter_map(|(id, tasks)| {
        let done = tasks.preparation.as_ref().filter(|_| tasks.release.is_none())?;
        let usable = done.has_ended() && (done.succeeded() || !spec.wait_for_success);
        let node = store.pool(&done.placement.pool_id).ok()?.node(id).ok()?;
        (usable && node.require_reachable().is_ok()).then(|| node.clone())
    });
    prepared.collect()
}
