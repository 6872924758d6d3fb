//! Which waiting task goes to which node.

use std::iter;
use std::time::Duration;

use crate::store::job::{JobEntry, JobState};
use crate::store::node::ComputeNode;
use crate::store::pool::Pool;
use crate::store::task::Task;
use crate::store::{Store, TaskKey};

/// A task and the node that it goes to.
pub(super) struct Placing {
    pub(super) task: TaskKey,
    /// The id of the pool.
    pub(super) pool: String,
    /// The id of the node.
    pub(super) node: String,
    pub(super) slots: u32,
}

/// The free slots of a pool's nodes.
struct Room<'a>(Vec<(&'a ComputeNode, u32)>);

impl Room<'_> {
    fn of(pool: &Pool) -> Room<'_> {
        Room(pool.nodes.iter().map(|node| (node, node.free_slots())).collect())
    }

    fn is_full(&self) -> bool {
        self.0.iter().all(|(_, free)| *free == 0)
    }

    /// Takes the slots from the node that the job may use and that has most of them, for tasks are spread over the nodes.
    fn take(&mut self, slots: u32, job: &JobEntry) -> Option<String> {
        let open = self.0.iter_mut().filter(|(node, _)| !job.is_barred_from(node));
        // Of equal ones the first: `max_by_key` gives the last.
        let (node, free) = open.rev().max_by_key(|(_, free)| *free)?;
        *free = free.checked_sub(slots)?;
        Some(node.id.clone())
    }
}

/// The tasks that find room now. One that finds none leaves what is there to smaller ones.
pub(super) fn placings(store: &Store, delay: Duration) -> Vec<Placing> {
    store.pools.values().flat_map(|pool| placings_in(store, pool, delay)).collect()
}

fn placings_in(store: &Store, pool: &Pool, delay: Duration) -> Vec<Placing> {
    let mut room = Room::of(pool);
    let mut waiting = waiting(store, &pool.settings.id, delay);
    let mut placings = Vec::new();
    while !room.is_full()
        && let Some((job, task)) = waiting.next()
    {
        if let Some(node) = room.take(task.slots(), job) {
            let key = TaskKey::new(&job.job.spec.id, task);
            let (pool, slots) = (pool.settings.id.clone(), task.slots());
            placings.push(Placing { task: key, pool, node, slots });
        }
    }
    placings
}

/// The tasks of the pool's active jobs that have been active for this long, depend on nothing any
/// more, and are not more than may run of their job: higher priority first,
/// then in the order of creation.
fn waiting<'a>(
    store: &'a Store,
    pool: &str,
    delay: Duration,
) -> impl Iterator<Item = (&'a JobEntry, &'a Task)> {
    let of_pool = |entry: &&JobEntry| {
        entry.job.phase.state == JobState::Active
            && entry.job.spec.pool_info.pool_id.eq_ignore_ascii_case(pool)
    };
    let queue = |entry: &'a JobEntry| {
        let ready = move |task: &&Task| task.phase.age() >= delay && entry.tasks.satisfy(task);
        let most = entry.job.most_running().saturating_sub(entry.tasks.running());
        (entry, entry.tasks.active().filter(ready).take(most).peekable())
    };
    let mut queues: Vec<_> = store.jobs.values().filter(of_pool).map(queue).collect();
    iter::from_fn(move || {
        let heads = queues.iter_mut().filter_map(|(entry, queue)| {
            let number = queue.peek()?.number;
            Some(((-entry.job.spec.priority.unwrap_or(0), number), (*entry, queue)))
        });
        let (_, (entry, queue)) = heads.min_by_key(|(order, _)| *order)?;
        Some((entry, queue.next()?))
    })
}
