//! Assigns waiting tasks to nodes.

use std::iter;
use std::time::Duration;

use crate::store::job::{JobEntry, JobState};
use crate::store::node::ComputeNode;
use crate::store::pool::Pool;
use crate::store::task::Task;
use crate::store::{Store, TaskKey};
use crate::wire::pool::{JobOrder, NodeFillType};

/// A task and the node that it is assigned to.
pub(super) struct Assignment {
    pub(super) task: TaskKey,
    /// The id of the pool.
    pub(super) pool: String,
    /// The id of the node.
    pub(super) node: String,
    pub(super) slots: u32,
    pub(super) is_exclusive: bool,
}

/// The free slots of a pool's nodes.
struct FreeSlots<'a> {
    fill: NodeFillType,
    nodes: Vec<(&'a ComputeNode, u32)>,
}

impl FreeSlots<'_> {
    fn of(pool: &Pool) -> FreeSlots<'_> {
        let nodes = pool.nodes.iter().map(|node| (node, node.free_slots())).collect();
        FreeSlots { fill: pool.spec.task_scheduling_policy.node_fill_type, nodes }
    }

    fn is_full(&self) -> bool {
        self.nodes.iter().all(|(_, free)| *free == 0)
    }

    /// Takes slots from a node that the task may use and that has them: from the one with the most
    /// free slots, or with the fewest if the pool's nodes are filled one after the other. A task
    /// that needs a node for itself takes all slots of a free one.
    fn take(&mut self, task: &Task, job: &JobEntry) -> Option<String> {
        let is_exclusive = task.is_exclusive();
        let open = self.nodes.iter_mut().filter(|(node, free)| {
            *free >= task.slots()
                && !job.is_excluded_from(node)
                && (node.is_dedicated || task.allows_low_priority())
                && (!is_exclusive || *free == node.slots)
        });
        let (node, free) = match self.fill {
            // The first of equal ones: `max_by_key` returns the last.
            NodeFillType::Spread => open.rev().max_by_key(|(_, free)| *free)?,
            NodeFillType::Pack => open.min_by_key(|(_, free)| *free)?,
        };
        *free = if is_exclusive { 0 } else { *free - task.slots() };
        Some(node.id.clone())
    }
}

/// Returns the tasks that can start now. A task that does not fit does not block smaller ones.
pub(super) fn assignments(store: &Store, delay: Duration) -> Vec<Assignment> {
    store.pools.values().flat_map(|pool| assignments_in(store, pool, delay)).collect()
}

fn assignments_in(store: &Store, pool: &Pool, delay: Duration) -> Vec<Assignment> {
    let mut free = FreeSlots::of(pool);
    let mut waiting = waiting(store, pool, delay);
    let mut assignments = Vec::new();
    while !free.is_full()
        && let Some((job, task)) = waiting.next()
    {
        if let Some(node) = free.take(task, job) {
            let key = TaskKey::new(&job.job.spec.id, task);
            let (pool, slots) = (pool.id.clone(), task.slots());
            let is_exclusive = task.is_exclusive();
            assignments.push(Assignment { task: key, pool, node, slots, is_exclusive });
        }
    }
    assignments
}

/// Returns the tasks of the pool's active jobs that have been active for this long, whose
/// dependencies are satisfied, and up to `maxParallelTasks` per job: by descending priority, then
/// in the order of creation of the tasks, or first of their jobs.
fn waiting<'a>(
    store: &'a Store,
    pool: &'a Pool,
    delay: Duration,
) -> impl Iterator<Item = (&'a JobEntry, &'a Task)> {
    let of_pool = |entry: &&JobEntry| {
        entry.job.phase.state == JobState::Active
            && entry.job.pool_id.eq_ignore_ascii_case(&pool.id)
    };
    let queue = |entry: &'a JobEntry| {
        let ready = move |task: &&Task| {
            task.phase.age() >= delay && entry.tasks.dependencies_satisfied(task)
        };
        let most = entry.job.max_parallel_tasks().saturating_sub(entry.tasks.running());
        (entry, entry.tasks.active().filter(ready).take(most).peekable())
    };
    let by_job = pool.spec.task_scheduling_policy.job_default_order == JobOrder::CreationTime;
    let mut queues: Vec<_> = store.jobs.values().filter(of_pool).map(queue).collect();
    iter::from_fn(move || {
        let heads = queues.iter_mut().filter_map(|(entry, queue)| {
            let number = queue.peek()?.number;
            let job = if by_job { entry.job.number } else { 0 };
            Some(((-entry.job.spec.priority.unwrap_or(0), job, number), (*entry, queue)))
        });
        let (_, (entry, queue)) = heads.min_by_key(|(order, _)| *order)?;
        Some((entry, queue.next()?))
    })
}
