//! The tasks of a job, and what is asked of them at every turn.

use std::collections::BTreeMap;

use super::key;
use super::task::{Task, TaskState};
use crate::wire::task::DependencyAction;

/// Tasks by their ids. A task can only be changed in a way that keeps the index right, so that
/// neither scheduling nor the end of a job has to look at all of them.
#[derive(Default)]
pub(crate) struct Tasks {
    by_key: BTreeMap<String, Task>,
    /// The keys of the active tasks in the order of creation.
    active: BTreeMap<u64, String>,
    completed: usize,
}

impl Tasks {
    pub(crate) fn get(&self, id: &str) -> Option<&Task> {
        self.by_key.get(&key(id))
    }

    /// All tasks in the order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Task> {
        self.by_key.values()
    }

    /// The active tasks in the order of creation.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Task> {
        self.active.values().filter_map(|key| self.by_key.get(key))
    }

    /// Whether every task is completed, as it is where there is none.
    pub(crate) fn are_completed(&self) -> bool {
        self.completed == self.by_key.len()
    }

    /// How many are on a node.
    pub(crate) fn running(&self) -> usize {
        self.by_key.len() - self.completed - self.active.len()
    }

    /// Whether all that the task depends on has ended as it must. A task that is not there yet
    /// has not.
    pub(crate) fn satisfy(&self, task: &Task) -> bool {
        let satisfies = |id: String| {
            let reaction = self.get(&id).and_then(Task::reaction);
            reaction.is_some_and(|reaction| reaction.dependents == DependencyAction::Satisfy)
        };
        task.spec.depends_on.as_ref().is_none_or(|tasks| tasks.ids().all(satisfies))
    }

    pub(crate) fn insert(&mut self, task: Task) {
        let key = key(&task.spec.id);
        match task.phase.state {
            TaskState::Active => drop(self.active.insert(task.number, key.clone())),
            TaskState::Completed => self.completed += 1,
            TaskState::Preparing | TaskState::Running => {}
        }
        self.by_key.insert(key, task);
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Task> {
        let task = self.by_key.remove(&key(id))?;
        self.active.remove(&task.number);
        self.completed -= usize::from(task.phase.state == TaskState::Completed);
        Some(task)
    }

    /// Changes the task of an id, if there is one.
    pub(crate) fn change<R>(&mut self, id: &str, change: impl FnOnce(&mut Task) -> R) -> Option<R> {
        let mut task = self.remove(id)?;
        let result = change(&mut task);
        self.insert(task);
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::task::{End, FailureInfo};

    fn task(id: &str, number: u64) -> Task {
        let body = format!(r#"{{"id": "{id}", "commandLine": "true"}}"#);
        Task::new(crate::wire::body::read(&body.into()).unwrap(), number, 0)
    }

    fn active(tasks: &Tasks) -> Vec<&str> {
        tasks.active().map(|task| task.spec.id.as_str()).collect()
    }

    #[test]
    fn what_is_asked_stays_right_through_changes() {
        let mut tasks = Tasks::default();
        assert!(tasks.are_completed());
        for (number, id) in ["c", "B", "a"].into_iter().enumerate() {
            tasks.insert(task(id, number as u64));
        }
        assert_eq!(active(&tasks), ["c", "B", "a"]);
        tasks.change("b", |task| task.enter(TaskState::Running)).unwrap();
        assert_eq!(active(&tasks), ["c", "a"]);
        let failure = End::without_exit_code(FailureInfo::user("TaskEnded", "x"));
        tasks.change("B", |task| task.complete(failure)).unwrap();
        assert!(!tasks.are_completed());
        tasks.remove("C").unwrap();
        tasks.remove("A").unwrap();
        assert!(tasks.are_completed() && active(&tasks).is_empty());
        tasks.remove("b").unwrap();
        assert!(tasks.change("b", |_| ()).is_none());
    }
}
