//! The files of a node, and of a task on its node.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use walkdir::WalkDir;

use super::Service;
use super::conditions::Conditions;
use crate::error::{ApiError, Code, Result};
use crate::node::directory::{join_inside, real_inside};
use crate::settings::Logs;
use crate::store::stamp::Stamp;
use crate::store::task::{Placement, Task, TaskState};

/// The streams of a task, in its directory.
const STREAMS: [&str; 2] = ["stdout.txt", "stderr.txt"];

/// Whose files are asked for.
pub(crate) enum Owner<'a> {
    Task { job: &'a str, id: &'a str },
    Node { pool: &'a str, id: &'a str },
}

/// A file or directory of a node.
pub(crate) struct NodeFile {
    /// On this machine.
    pub(crate) path: PathBuf,
    /// Relative to the directory of its owner.
    pub(crate) name: String,
    pub(crate) is_directory: bool,
    /// Bytes.
    pub(crate) length: u64,
    pub(crate) mode: u32,
    pub(crate) modified: OffsetDateTime,
}

/// The directory of an owner and what nobody sees of it, or not yet.
struct Root {
    path: PathBuf,
    hidden: Vec<PathBuf>,
}

impl Service {
    /// A file by its path in the directory of its owner.
    ///
    /// # Errors
    /// `FileNotFound` also for a path or a link that leaves this directory.
    pub(crate) fn file(
        &self,
        owner: &Owner<'_>,
        name: &str,
        conditions: &Conditions,
    ) -> Result<NodeFile> {
        let Root { path: root, hidden } = self.root(owner)?;
        let missing = || ApiError::from(Code::FileNotFound).with("FilePath", name);
        let path = join_inside(&root, name).ok_or_else(missing)?;
        let found = inspect(&root, &path).filter(|file| !is_hidden(file, &hidden));
        let Some(file) = found else {
            // The files may have been cleaned up just now, which is another error.
            self.root(owner)?;
            return Err(missing());
        };
        conditions.check_read(&Stamp { etag: String::new(), last_modified: file.modified })?;
        Ok(file)
    }

    /// The files of an owner in the order of their names: all, or those right in its directory.
    pub(crate) fn files(&self, owner: &Owner<'_>, recursive: bool) -> Result<Vec<NodeFile>> {
        let Root { path: root, hidden } = self.root(owner)?;
        let depth = if recursive { usize::MAX } else { 1 };
        let walk = WalkDir::new(&root).min_depth(1).max_depth(depth).into_iter().flatten();
        let mut files: Vec<_> = walk.filter_map(|entry| inspect(&root, entry.path())).collect();
        files.retain(|file| !is_hidden(file, &hidden));
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(files)
    }

    /// Deletes a file, or a directory: with all that is in it, or only if it is empty.
    ///
    /// # Errors
    /// `FileNotFound`, and `IOError` for what cannot be deleted.
    pub(crate) fn delete_file(&self, owner: &Owner<'_>, name: &str, recursive: bool) -> Result<()> {
        let file = self.file(owner, name, &Conditions::default())?;
        let root = self.root(owner)?.path;
        // A link goes, not what it leads to.
        let Some(path) = join_inside(&root, name).filter(|path| *path != root) else {
            return Err(
                ApiError::from(Code::IOError).with("Reason", "it is the directory of all files")
            );
        };
        let deleted = match (file.is_directory && !path.is_symlink(), recursive) {
            (false, _) => std::fs::remove_file(&path),
            (true, true) => std::fs::remove_dir_all(&path),
            (true, false) => std::fs::remove_dir(&path),
        };
        deleted.map_err(|error| {
            ApiError::from(Code::IOError).with("FilePath", name).with("Reason", error.to_string())
        })
    }

    fn root(&self, owner: &Owner<'_>) -> Result<Root> {
        match owner {
            Owner::Task { job, id } => self.task_root(job, id),
            Owner::Node { pool, id } => self.node_root(pool, id),
        }
    }

    fn node_root(&self, pool: &str, id: &str) -> Result<Root> {
        let shown = self.pool_node(pool, id)?.node;
        shown.require_reachable()?;
        let node = self.node(&shown.id).ok_or(Code::NodeNotFound)?;
        Ok(Root { path: node.root.clone(), hidden: vec![node.root.join("etc")] })
    }

    fn task_root(&self, job_id: &str, task_id: &str) -> Result<Root> {
        let (task, _) = self.task(job_id, task_id, &Conditions::default())?;
        let placement = placement_of(&task)?;
        self.store().pool(&placement.pool_id)?.node(&placement.node_id)?.require_reachable()?;
        let path = placement.directory.clone();
        let hides = self.logs == Logs::AtEnd && task.phase.state != TaskState::Completed;
        let streams = STREAMS.iter().filter(|_| hides);
        Ok(Root { hidden: streams.map(|name| path.join(name)).collect(), path })
    }
}

fn is_hidden(file: &NodeFile, hidden: &[PathBuf]) -> bool {
    hidden.iter().any(|path| file.path.starts_with(path))
}

fn placement_of(task: &Task) -> Result<&Placement> {
    let id = task.spec.id.as_str();
    if task.cleaned_up {
        return Err(ApiError::from(Code::TaskFilesCleanedup).with("TaskId", id));
    }
    match &task.placement {
        Some(placement) => Ok(placement),
        None => Err(ApiError::from(Code::TaskFilesUnavailable)
            .with("TaskId", id)
            .with("Reason", "the task has not run yet")),
    }
}

/// What is at a path; `None` for nothing, and for what a link finds outside of the root.
fn inspect(root: &Path, path: &Path) -> Option<NodeFile> {
    let real = real_inside(root, path)?;
    let metadata = real.metadata().ok()?;
    Some(NodeFile {
        name: path.strip_prefix(root).ok()?.to_str()?.to_owned(),
        path: real,
        is_directory: metadata.is_dir(),
        length: metadata.len(),
        mode: metadata.mode(),
        modified: metadata.modified().map_or_else(|_| OffsetDateTime::now_utc(), Into::into),
    })
}
