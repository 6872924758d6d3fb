//! The tasks of a job, with an index for scheduling.

use std::collections::BTreeMap;

use super::key;
use super::task::{Task, TaskState};
use crate::wire::task::DependencyAction;

/// Tasks by id. Every change updates the index, so that neither scheduling nor the termination of a
/// job has to look at all tasks.
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

    /// Returns all tasks, sorted by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Task> {
        self.by_key.values()
    }

    /// Returns the active tasks in the order of creation.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Task> {
        self.active.values().filter_map(|key| self.by_key.get(key))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Returns whether all tasks are completed; also true without tasks.
    pub(crate) fn all_completed(&self) -> bool {
        self.completed == self.by_key.len()
    }

    /// Returns how many are on a node.
    pub(crate) fn running(&self) -> usize {
        self.by_key.len() - self.completed - self.active.len()
    }

    /// Returns whether the dependencies of a task are satisfied. Those on a task that does not
    /// exist yet are not.
    pub(crate) fn dependencies_satisfied(&self, task: &Task) -> bool {
        let satisfies = |id: String| {
            let actions = self.get(&id).and_then(Task::exit_actions);
            actions.is_some_and(|actions| actions.dependents == DependencyAction::Satisfy)
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

    /// Changes the task with this id, if it exists.
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
    fn the_index_stays_correct_through_changes() {
        let mut tasks = Tasks::default();
        assert!(tasks.all_completed());
        for (number, id) in ["c", "B", "a"].into_iter().enumerate() {
            tasks.insert(task(id, number as u64));
        }
        assert_eq!(active(&tasks), ["c", "B", "a"]);
        tasks.change("b", |task| task.phase.enter(TaskState::Running)).unwrap();
        assert_eq!(active(&tasks), ["c", "a"]);
        let failure = End::without_exit_code(FailureInfo::user("TaskEnded", "x"));
        tasks.change("B", |task| task.complete(failure)).unwrap();
        assert!(!tasks.all_completed());
        tasks.remove("C").unwrap();
        tasks.remove("A").unwrap();
        assert!(tasks.all_completed() && active(&tasks).is_empty());
        tasks.remove("b").unwrap();
        assert!(tasks.change("b", |_| ()).is_none());
    }
}
