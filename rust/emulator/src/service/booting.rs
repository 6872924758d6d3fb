//! Starting nodes, with their start tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Service;
use crate::store::node::{ComputeNode, NodeState};
use crate::store::start_task::StartTaskInfo;
use crate::store::task::{End, RunHandle, TaskResult};
use crate::wire::pool::StartTask;

/// A start of a node in progress.
struct Boot {
    /// The pool's id.
    pool: String,
    /// The node's id.
    node: String,
    delay: Duration,
    start_task: Option<StartTask>,
    run: RunHandle,
}

impl Service {
    /// Starts a node. It takes tasks at once, or after its pool's delay and start task.
    pub(super) fn boot(self: &Arc<Self>, pool: &str, id: &str) {
        let Some(boot) = self.begin_boot(pool, id) else { return };
        if boot.delay.is_zero() && boot.start_task.is_none() {
            self.change(&boot, ComputeNode::mark_booted);
            self.finish_boot(&boot);
        } else {
            tokio::spawn(Arc::clone(self).run_boot(boot));
        }
    }

    fn begin_boot(&self, pool: &str, id: &str) -> Option<Boot> {
        let mut store = self.store();
        let pool = store.pool_mut(pool)?;
        let run = RunHandle::new();
        pool.node_mut(id).ok()?.start(run.clone());
        Some(Boot {
            pool: pool.id.clone(),
            node: id.to_owned(),
            delay: pool.start_delay,
            start_task: pool.spec.start_task.clone(),
            run,
        })
    }

    async fn run_boot(self: Arc<Self>, boot: Boot) {
        tokio::select! {
            () = sleep(boot.delay) => {}
            () = boot.run.abandoned() => {}
        }
        self.change(&boot, ComputeNode::mark_booted);
        match &boot.start_task {
            Some(task) => self.run_start_task(&boot, task).await,
            None => self.finish_boot(&boot),
        }
        boot.run.ended.cancel();
    }

    /// Makes the node ready for tasks, unless it was stopped meanwhile.
    fn finish_boot(self: &Arc<Self>, boot: &Boot) {
        self.change(boot, ComputeNode::mark_ready);
        boot.run.ended.cancel();
        self.schedule();
    }

    async fn run_start_task(self: &Arc<Self>, boot: &Boot, task: &StartTask) {
        let Some(node) = self.node(&boot.node) else { return };
        self.change(boot, |compute_node| {
            compute_node.start_task_info = Some(StartTaskInfo::begin());
            if task.wait_for_success {
                compute_node.phase.enter(NodeState::WaitingForStartTask);
            } else {
                compute_node.mark_ready();
            }
        });
        self.schedule();
        while boot.run.stop.borrow().is_none() {
            let end = node.run_start_task(task, &boot.run).await;
            if !self.record_start_attempt(boot, task, end) {
                break;
            }
        }
        self.schedule();
    }

    /// Records the end of an attempt. Returns whether another attempt follows.
    fn record_start_attempt(&self, boot: &Boot, task: &StartTask, end: End) -> bool {
        let most = task.max_task_retry_count;
        let again = self.change(boot, |compute_node| {
            let info = compute_node.start_task_info.get_or_insert_with(StartTaskInfo::begin);
            let (failed, exit_code) = (end.result == TaskResult::Failure, end.exit_code);
            info.complete(end);
            let again = failed
                && exit_code.is_some()
                && (most == -1 || i64::from(info.retries) < i64::from(most));
            match (again, task.wait_for_success) {
                (true, _) => info.retry(),
                (false, true) if failed => compute_node.phase.enter(NodeState::StartTaskFailed),
                (false, true) => compute_node.mark_ready(),
                (false, false) => {}
            }
            again
        });
        again.unwrap_or(false)
    }

    /// Changes the node, unless its start was stopped.
    fn change<R>(&self, boot: &Boot, change: impl FnOnce(&mut ComputeNode) -> R) -> Option<R> {
        let mut store = self.store();
        let node = store.node_mut(&boot.pool, &boot.node).ok()?;
        boot.run.stop.borrow().is_none().then(|| change(node))
    }
}
