//! The directory of a task: `workitems/JOB/job-1/TASK` (`workitems/SCHEDULE/job-N/TASK` in a job of
//! a schedule) with `stdout.txt`, `stderr.txt` and `wd`.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::tree::Tree;

/// Where a task's files are, on this machine and as the task sees them.
#[derive(Clone)]
pub(crate) struct TaskDirectory {
    /// `AZ_BATCH_NODE_ROOT_DIR` as the task sees it.
    pub(crate) inside_root: PathBuf,
    /// Relative to the node's root.
    pub(crate) relative: String,
    /// The node's root on this machine.
    pub(crate) root: PathBuf,
}

impl TaskDirectory {
    pub(crate) fn new(root: &Path, inside_root: &Path, job_id: &str, task_id: &str) -> Self {
        // A job of a schedule has its own id after the schedule's: `SCHEDULE:job-2`.
        let (outer, job) = job_id.split_once(':').unwrap_or((job_id, "job-1"));
        let relative = format!("workitems/{outer}/{job}/{task_id}");
        TaskDirectory { inside_root: inside_root.to_owned(), relative, root: root.to_owned() }
    }

    /// Returns the task's directory on this machine.
    pub(crate) fn host(&self) -> PathBuf {
        self.root.join(&self.relative)
    }

    /// Opens the task's directory.
    ///
    /// # Errors
    /// When it does not exist.
    pub(crate) fn tree(&self) -> io::Result<Tree> {
        Tree::open(&self.root, Path::new(&self.relative))
    }

    /// Opens the task's working directory.
    ///
    /// # Errors
    /// When it does not exist, or a link leads out of the node.
    pub(crate) fn working(&self) -> io::Result<Tree> {
        Tree::open(&self.root, &Path::new(&self.relative).join("wd"))
    }

    /// Returns the task's directory as the task sees it.
    pub(crate) fn inside(&self) -> PathBuf {
        self.inside_root.join(&self.relative)
    }

    /// Creates the directory, or empties it if it exists: it is not replaced, because other tasks
    /// may have mounted it.
    ///
    /// # Errors
    /// When the old files cannot be removed or the new directory cannot be created.
    pub(crate) fn create(&self) -> io::Result<()> {
        let tree = Tree::create_at(&self.root, Path::new(&self.relative))?;
        tree.empty()?;
        tree.make_directories(Path::new("wd"))?;
        // An image may run as any user, who must be able to write here.
        tree.make_world_writable(Path::new("wd"))
    }

    /// Creates a new file in the task's directory for appending, and replaces what has that name.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn stream(&self, name: &str) -> io::Result<File> {
        self.tree()?.recreate(name)
    }
}

/// Returns the path under `base`; `None` if it is absolute or contains `..`.
pub(crate) fn join_inside(base: &Path, relative: &str) -> Option<PathBuf> {
    let mut joined = base.to_owned();
    for component in Path::new(relative).components() {
        match component {
            Component::Normal(name) => joined.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(joined)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_path_leaves_its_base(path in "[a./]{0,12}|\\PC*") {
            if let Some(joined) = join_inside(Path::new("/base"), &path) {
                prop_assert!(joined.starts_with("/base"));
                prop_assert!(joined.components().all(|part| part != Component::ParentDir));
            }
        }
    }

    #[test]
    fn a_path_that_leaves_its_base_is_refused() {
        let base = Path::new("/base");
        assert_eq!(join_inside(base, "a/./b"), Some(PathBuf::from("/base/a/b")));
        for path in ["..", "a/../..", "a/../b", "/etc/passwd", "../../../etc/passwd"] {
            assert_eq!(join_inside(base, path), None, "{path}");
        }
    }
}
