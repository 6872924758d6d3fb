//! The state of the account in memory: pools, jobs and tasks.
//!
//! Ids keep their case but are compared without it, so every map is keyed by the lower-case id.

pub(crate) mod auto_scale;
pub(crate) mod exit_actions;
pub(crate) mod job;
pub(crate) mod node;
pub(crate) mod node_task;
pub(crate) mod pool;
mod recurrence;
pub(crate) mod resource;
pub(crate) mod schedule;
pub(crate) mod start_task;
pub(crate) mod statistics;
pub(crate) mod task;
mod tasks;
pub(crate) mod usage;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::error::{Code, Result};
use crate::wire::job::JobCreate;
use job::{Job, JobEntry};
use node::{ComputeNode, NodeState};
use node_task::NodeTasks;
use pool::Pool;
use resource::ResourceVersion;
use schedule::JobSchedule;
use task::{RunHandle, StopReason, Task};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use usage::NodeTime;
use uuid::Uuid;

/// The most nodes whose time is kept after they left their pools.
const MAX_USAGE: usize = 10_000;

/// The state of the account.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) pools: BTreeMap<String, Pool>,
    pub(crate) jobs: BTreeMap<String, JobEntry>,
    pub(crate) schedules: BTreeMap<String, JobSchedule>,
    /// The times of nodes that left their pools, the last ones.
    pub(crate) usage: VecDeque<NodeTime>,
    /// The ids of deleted jobs, and until when they cannot be reused.
    deleted: BTreeMap<String, Instant>,
    /// The tokens of running tasks, with the ids of their jobs.
    tokens: BTreeMap<String, String>,
    last_number: u64,
}

/// Identifies a task: its ids, and its number, which a later task with the same ids does not have.
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

/// Returns the map key of an id.
pub(crate) fn key(id: &str) -> String {
    id.to_ascii_lowercase()
}

impl Store {
    /// Records the time of a node that leaves its pool.
    pub(crate) fn add_usage(&mut self, time: NodeTime) {
        self.usage.push_back(time);
        if self.usage.len() > MAX_USAGE {
            self.usage.pop_front();
        }
    }

    /// Returns a number that is unique in this store and increases with each call.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Returns a new token for the operations on a job.
    pub(crate) fn issue_token(&mut self, job: &str) -> String {
        let token = [Uuid::new_v4(), Uuid::new_v4()].map(|half| half.simple().to_string()).concat();
        self.tokens.insert(token.clone(), job.to_owned());
        token
    }

    pub(crate) fn revoke_token(&mut self, token: &str) {
        self.tokens.remove(token);
    }

    /// Returns whether a token is for this job.
    pub(crate) fn allows(&self, token: &str, job: &str) -> bool {
        self.tokens.get(token).is_some_and(|own| own.eq_ignore_ascii_case(job))
    }

    pub(crate) fn insert_pool(&mut self, pool: Pool) {
        self.pools.insert(key(&pool.id), pool);
    }

    pub(crate) fn remove_pool(&mut self, id: &str) {
        self.pools.remove(&key(id));
    }

    pub(crate) fn pool_mut(&mut self, id: &str) -> Option<&mut Pool> {
        self.pools.get_mut(&key(id))
    }

    /// Returns the pool that had this number, if it is still active.
    pub(crate) fn active_pool_mut(&mut self, id: &str, number: u64) -> Option<&mut Pool> {
        let is_same = |pool: &&mut Pool| pool.number == number && pool.require_active().is_ok();
        self.pool_mut(id).filter(is_same)
    }

    pub(crate) fn node_mut(&mut self, pool: &str, id: &str) -> Result<&mut ComputeNode> {
        self.pools.get_mut(&key(pool)).ok_or(Code::PoolNotFound)?.node_mut(id)
    }

    /// Moves a node to a state in which it gets no tasks. Asks its runs to stop if a reason is
    /// given. Returns tokens that are cancelled when they have ended.
    pub(crate) fn stop_node(
        &mut self,
        pool: &str,
        id: &str,
        state: NodeState,
        stop: Option<StopReason>,
    ) -> Result<Vec<CancellationToken>> {
        let boot = self.node_mut(pool, id)?.stop(state);
        let runs = self.runs_of(self.pool(pool)?.node(id)?);
        let ended = runs
            .iter()
            .map(|run| stop.map_or(run.ended.clone(), |reason| run.request_stop(reason)));
        Ok(ended.chain(boot).collect())
    }

    /// Returns the runs on a node that have not ended.
    pub(crate) fn runs_of(&self, node: &ComputeNode) -> Vec<RunHandle> {
        let tasks = node.running().filter_map(|key| self.task(key)?.run.as_ref());
        let of_jobs = self.jobs.values().filter_map(|entry| entry.node_tasks.get(&node.id));
        let of_jobs = of_jobs.flat_map(NodeTasks::all).map(|task| &task.run);
        tasks.chain(of_jobs.filter(|run| !run.ended.is_cancelled())).cloned().collect()
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

    pub(crate) fn job_schedule(&self, id: &str) -> Result<&JobSchedule> {
        self.schedules.get(&key(id)).ok_or(Code::JobScheduleNotFound.into())
    }

    pub(crate) fn job_schedule_mut(&mut self, id: &str) -> Result<&mut JobSchedule> {
        self.schedules.get_mut(&key(id)).ok_or(Code::JobScheduleNotFound.into())
    }

    pub(crate) fn remove_job_schedule(&mut self, id: &str) {
        self.schedules.remove(&key(id));
    }

    /// Returns the jobs of a schedule, sorted by id.
    pub(crate) fn jobs_of(&self, schedule: &str) -> impl Iterator<Item = &JobEntry> {
        let prefix = format!("{}:", key(schedule));
        let from = self.jobs.range(prefix.clone()..);
        from.take_while(move |(key, _)| key.starts_with(&prefix)).map(|(_, entry)| entry)
    }

    /// Adds a job with its job manager task.
    pub(crate) fn insert_job(&mut self, spec: JobCreate) -> ResourceVersion {
        let mut entry = JobEntry::new(Job::new(spec, self.next_number()));
        if let Some(manager) = &entry.job.spec.job_manager_task {
            let retries = entry.job.spec.max_task_retries(manager.constraints.as_ref());
            entry.tasks.insert(Task::manager(manager, self.next_number(), retries));
        }
        let version = entry.job.version.clone();
        self.jobs.insert(key(&entry.job.spec.id), entry);
        version
    }

    /// Removes a job. Its id cannot be reused before the delay has passed.
    pub(crate) fn remove_job(&mut self, id: &str, delay: Duration) -> Option<JobEntry> {
        let now = Instant::now();
        self.deleted.retain(|_, until| *until > now);
        let entry = self.jobs.remove(&key(id))?;
        if let Some(schedule) = entry.job.schedule().and_then(|id| self.schedules.get_mut(&key(id)))
        {
            schedule.removed += entry.totals();
        }
        self.deleted.insert(key(id), now + delay);
        Some(entry)
    }

    /// Returns an error if a job with this id was deleted just now.
    pub(crate) fn require_not_just_deleted(&self, id: &str) -> Result<()> {
        match self.deleted.get(&key(id)) {
            Some(until) if *until > Instant::now() => Err(Code::JobBeingDeleted.into()),
            _ => Ok(()),
        }
    }

    /// Returns the task, if it still exists.
    pub(crate) fn task(&self, wanted: &TaskKey) -> Option<&Task> {
        let task = self.jobs.get(&key(&wanted.job))?.tasks.get(&wanted.task)?;
        (task.number == wanted.number).then_some(task)
    }

    /// Changes the task, if it still exists.
    pub(crate) fn change_task<R>(
        &mut self,
        wanted: &TaskKey,
        change: impl FnOnce(&mut Task) -> R,
    ) -> Option<R> {
        self.task(wanted)?;
        self.jobs.get_mut(&key(&wanted.job))?.tasks.change(&wanted.task, change)
    }
}
