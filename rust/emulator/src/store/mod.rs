//! What the account holds: pools, jobs and their tasks, in memory.
//!
//! Ids keep their case and are compared without it, so every map is keyed by the lower-case id.

pub(crate) mod job;
pub(crate) mod node;
pub(crate) mod node_task;
pub(crate) mod pool;
pub(crate) mod reaction;
pub(crate) mod stamp;
pub(crate) mod start_task;
pub(crate) mod task;
mod tasks;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Code, Result};
use job::JobEntry;
use node::{ComputeNode, NodeState};
use node_task::NodeTasks;
use pool::Pool;
use task::{RunHandle, StopReason, Task};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The state of the account.
pub(crate) struct Store {
    pub(crate) pools: BTreeMap<String, Pool>,
    pub(crate) jobs: BTreeMap<String, JobEntry>,
    /// The jobs that are gone, and until when no other one can have their ids.
    deleted: BTreeMap<String, Instant>,
    last_number: u64,
}

/// One particular task: its ids, and its number, which a later task of the same ids does not have.
#[derive(Clone, Debug)]
pub(crate) struct TaskKey {
    pub(crate) job: String,
    pub(crate) task: String,
    pub(crate) number: u64,
}

impl TaskKey {
    pub(crate) fn new(job_id: &str, task: &Task) -> TaskKey {
        TaskKey { job: job_id.to_owned(), task: task.spec.id.clone(), number: task.number }
    }
}

/// The key under which an id is stored.
pub(crate) fn key(id: &str) -> String {
    id.to_ascii_lowercase()
}

impl Store {
    /// An account with these pools and no jobs.
    pub(crate) fn new(pools: BTreeMap<String, Pool>) -> Store {
        Store { pools, jobs: BTreeMap::new(), deleted: BTreeMap::new(), last_number: 0 }
    }

    /// A number that nothing in this store had before; also the order of creation.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(crate) fn pool_mut(&mut self, id: &str) -> Option<&mut Pool> {
        self.pools.get_mut(&key(id))
    }

    pub(crate) fn node_mut(&mut self, pool: &str, id: &str) -> Result<&mut ComputeNode> {
        self.pools.get_mut(&key(pool)).ok_or(Code::PoolNotFound)?.node_mut(id)
    }

    /// Puts a node into a state in which it gets no tasks, and asks those that it runs to end if
    /// there is a reason to. The tokens tell when they have ended.
    pub(crate) fn take_down(
        &mut self,
        pool: &str,
        id: &str,
        state: NodeState,
        stop: Option<StopReason>,
    ) -> Result<Vec<CancellationToken>> {
        let boot = self.node_mut(pool, id)?.stop(state);
        let runs = self.runs_of(self.pool(pool)?.node(id)?);
        let over = runs.iter().map(|run| stop.map_or(run.over.clone(), |reason| run.ask(reason)));
        Ok(over.chain(boot).collect())
    }

    /// The runs that go on at a node.
    pub(crate) fn runs_of(&self, node: &ComputeNode) -> Vec<RunHandle> {
        let tasks = node.running().filter_map(|key| self.task(key)?.run.as_ref());
        let of_jobs = self.jobs.values().filter_map(|entry| entry.node_tasks.get(&node.id));
        let of_jobs = of_jobs.flat_map(NodeTasks::all).map(|task| &task.run);
        tasks.chain(of_jobs.filter(|run| !run.over.is_cancelled())).cloned().collect()
    }

    pub(crate) fn pool(&self, id: &str) -> Result<&Pool> {
        self.pools.get(&key(id)).ok_or(Code::PoolNotFound.into())
    }

    pub(crate) fn job(&self, id: &str) -> Result<&JobEntry> {
        self.jobs.get(&key(id)).ok_or(Code::JobNotFound.into())
    }

    pub(crate) fn job_mut(&mut self, id: &str) -> Result<&mut JobEntry> {
        self.jobs.get_mut(&key(id)).ok_or(Code::JobNotFound.into())
    }

    /// Removes a job, whose id cannot be used again for so long.
    pub(crate) fn remove_job(&mut self, id: &str, delay: Duration) -> Option<JobEntry> {
        let now = Instant::now();
        self.deleted.retain(|_, until| *until > now);
        let entry = self.jobs.remove(&key(id))?;
        self.deleted.insert(key(id), now + delay);
        Some(entry)
    }

    /// Refuses the id of a job that was there just now.
    pub(crate) fn require_not_just_deleted(&self, id: &str) -> Result<()> {
        match self.deleted.get(&key(id)) {
            Some(until) if *until > Instant::now() => Err(Code::JobBeingDeleted.into()),
            _ => Ok(()),
        }
    }

    /// The task of a key, if it is still the same one.
    pub(crate) fn task(&self, wanted: &TaskKey) -> Option<&Task> {
        let task = self.jobs.get(&key(&wanted.job))?.tasks.get(&wanted.task)?;
        (task.number == wanted.number).then_some(task)
    }

    /// Changes the task of a key, if it is still the same one.
    pub(crate) fn change_task<R>(
        &mut self,
        wanted: &TaskKey,
        change: impl FnOnce(&mut Task) -> R,
    ) -> Option<R> {
        self.task(wanted)?;
        self.jobs.get_mut(&key(&wanted.job))?.tasks.change(&wanted.task, change)
    }
}
