//! The preparation and release tasks of jobs, which run once on each node.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Service;
use super::placing::Placing;
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
    /// The job's preparation failed there.
    Barred,
    /// The task was asked to end while it waited.
    Stopped,
}

/// A preparation or release task that runs.
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
    /// What the preparation and release tasks of a job came to, with the ids of the nodes.
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

    /// Sees to it that the job's preparation task has run on the node, and waits for it if the job
    /// wants that.
    pub(super) async fn prepare(
        self: &Arc<Self>,
        placing: &Placing,
        node: &Arc<Node>,
        task: &RunHandle,
    ) -> Readiness {
        let preparation = match self.preparation(placing, node, task) {
            ControlFlow::Continue(Some(preparation)) => preparation,
            ControlFlow::Continue(None) => return Readiness::Ready,
            ControlFlow::Break(()) => return Readiness::Stopped,
        };
        tokio::select! {
            () = preparation.over.cancelled() => {}
            () = task.asked() => return Readiness::Stopped,
        }
        match self.is_prepared(placing) {
            true => Readiness::Ready,
            false => Readiness::Barred,
        }
    }

    /// The run of the preparation that a task has to wait for, if there is one. It begins if it is
    /// missing, but not for a task that was asked to end: nobody would end the preparation then.
    fn preparation(
        self: &Arc<Self>,
        placing: &Placing,
        node: &Arc<Node>,
        task: &RunHandle,
    ) -> ControlFlow<(), Option<RunHandle>> {
        let mut store = self.store();
        match task.stop.borrow().is_some() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(self.begin_preparation(&mut store, placing, node)),
        }
    }

    fn begin_preparation(
        self: &Arc<Self>,
        store: &mut Store,
        placing: &Placing,
        node: &Arc<Node>,
    ) -> Option<RunHandle> {
        let shown = store.pool(&placing.pool).ok()?.node(&placing.node).ok()?.clone();
        let entry = store.job_mut(&placing.task.job).ok()?;
        let spec = entry.job.spec.job_preparation_task.clone()?;
        let known = entry.node_tasks.get(&node.id).and_then(|tasks| tasks.preparation.as_ref());
        let run = match known.filter(|known| !known.is_outdated(&spec, &shown)) {
            Some(known) => known.run.clone(),
            None => self.begin(entry, node, &shown, NodeTaskKind::Preparation)?,
        };
        spec.wait_for_success.then_some(run)
    }

    fn is_prepared(&self, placing: &Placing) -> bool {
        let store = self.store();
        let Ok(entry) = store.job(&placing.task.job) else { return false };
        let tasks = entry.node_tasks.get(&placing.node);
        let preparation = tasks.and_then(|tasks| tasks.preparation.as_ref());
        preparation.is_some_and(|preparation| preparation.has_ended() && preparation.succeeded())
    }

    /// Runs the job's release task on every node that was prepared, and waits for all of them.
    pub(super) async fn release(self: &Arc<Self>, job_id: &str, number: u64) {
        for run in self.begin_releases(job_id, number) {
            run.over.cancelled().await;
        }
    }

    fn begin_releases(self: &Arc<Self>, job_id: &str, number: u64) -> Vec<RunHandle> {
        let mut store = self.store();
        let nodes = to_release(&store, job_id, number);
        let Ok(entry) = store.job_mut(job_id) else { return Vec::new() };
        let begun = nodes.iter().filter(|_| !self.closing.is_cancelled()).filter_map(|shown| {
            let node = self.node(&shown.id)?;
            self.begin(entry, &node, shown, NodeTaskKind::Release)
        });
        begun.collect()
    }

    fn begin(
        self: &Arc<Self>,
        entry: &mut JobEntry,
        node: &Arc<Node>,
        shown: &ComputeNode,
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
        // A task that does not wait for the preparation finds its directory all the same; if it
        // cannot be made, the run says so.
        work.directory.create().ok();
        let begun = NodeTask::begin(placement(&node, &work.directory), shown);
        let run = begun.run.clone();
        entry.node_tasks.entry(node.id.clone()).or_default().set(kind, begun);
        let number = entry.job.number;
        let one = NodeRun { job: job_id, number, kind, node, work, run: run.clone(), max_retries };
        tokio::spawn(Arc::clone(self).run_on_node(one));
        Some(run)
    }

    async fn run_on_node(self: Arc<Self>, one: NodeRun) {
        loop {
            let end = one.node.run(&one.work, one.run.stop.subscribe()).await;
            if !self.is_tried_again(&one, end) {
                break;
            }
        }
        one.run.over.cancel();
    }

    /// Writes down the end of a try, and says whether another follows.
    fn is_tried_again(&self, one: &NodeRun, end: End) -> bool {
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

/// The nodes that can be reached and where the job was prepared, but not yet released.
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
