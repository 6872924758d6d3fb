//! The directory of a task: `workitems/JOB/job-1/TASK` with `stdout.txt`, `stderr.txt` and `wd`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// Where a task's files are, on this machine and as the task sees them.
#[derive(Clone)]
pub(crate) struct TaskDirectory {
    /// AZ_BATCH_NODE_ROOT_DIR as the task sees it.
    pub(crate) inside_root: PathBuf,
    /// Relative to the node's root.
    pub(crate) relative: String,
    /// The task's directory on this machine.
    pub(crate) host: PathBuf,
}

impl TaskDirectory {
    pub(crate) fn new(root: &Path, inside_root: &Path, job_id: &str, task_id: &str) -> Self {
        let relative = format!("workitems/{job_id}/job-1/{task_id}");
        let host = root.join(&relative);
        TaskDirectory { inside_root: inside_root.to_owned(), relative, host }
    }

    /// The task's working directory on this machine.
    pub(crate) fn working(&self) -> PathBuf {
        self.host.join("wd")
    }

    /// The task's directory as the task sees it.
    pub(crate) fn inside(&self) -> PathBuf {
        self.inside_root.join(&self.relative)
    }

    /// Makes the directory anew; what an earlier run left is gone. A directory that is there stays
    /// the same one, for others may have mounted it.
    ///
    /// # Errors
    /// When the old files cannot be removed or the new directory not be made.
    pub(crate) fn create(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.host)?;
        for entry in std::fs::read_dir(&self.host)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => std::fs::remove_dir_all(entry.path())?,
                false => std::fs::remove_file(entry.path())?,
            }
        }
        std::fs::create_dir_all(self.working())?;
        // An image may run as any user, and the task must be able to write here all the same.
        std::fs::set_permissions(self.working(), PermissionsExt::from_mode(0o777))
    }

    /// A file of the task's directory, emptied, written at its end.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn stream(&self, name: &str) -> io::Result<File> {
        let path = self.host.join(name);
        File::create(&path)?;
        OpenOptions::new().append(true).open(path)
    }
}

/// The path under `base`, or `None` if it is absolute or leaves `base` by `..`.
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

/// What is really at a path below `root`, all links followed; `None` for nothing, and where a link
/// leaves `root`.
pub(crate) fn real_inside(root: &Path, path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    real.starts_with(root.canonicalize().ok()?).then_some(real)
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
