//! The files of nodes and tasks.

use std::fs::File;
use std::path::{Path, PathBuf};

use cap_std::fs::MetadataExt;
use time::OffsetDateTime;

use super::Service;
use super::conditions::Conditions;
use crate::error::{ApiError, Code, Result};
use crate::node::directory::join_inside;
use crate::node::tree::Tree;
use crate::node::volumes;
use crate::settings::Logs;
use crate::store::resource::ResourceVersion;
use crate::store::task::{Placement, Task, TaskState};

/// The output files of a task, in its directory.
const STREAMS: [&str; 2] = ["stdout.txt", "stderr.txt"];

/// The task or node whose files are requested.
pub(crate) enum Owner<'a> {
    Task { job: &'a str, id: &'a str },
    Node { pool: &'a str, id: &'a str },
}

/// A file or directory of a node.
pub(crate) struct NodeFile {
    /// Relative to the owner's directory.
    pub(crate) name: String,
    pub(crate) is_directory: bool,
    /// In bytes.
    pub(crate) length: u64,
    pub(crate) mode: u32,
    pub(crate) modified: OffsetDateTime,
}

/// The owner's directory, and the files in it that are hidden.
struct Root {
    tree: Tree,
    hidden: Vec<&'static str>,
}

impl Service {
    /// Returns a file by its path in the owner's directory.
    ///
    /// # Errors
    /// `FileNotFound`, also for a path or a link that leaves this directory.
    pub(crate) fn file(
        &self,
        owner: &Owner<'_>,
        name: &str,
        conditions: &Conditions,
    ) -> Result<NodeFile> {
        let root = self.root(owner)?;
        let found = relative(name).and_then(|path| root.inspect(&path));
        let Some(file) = found else {
            // The files may have been cleaned up just now, which is a different error.
            self.root(owner)?;
            return Err(missing(name));
        };
        conditions
            .check_read(&ResourceVersion { etag: String::new(), last_modified: file.modified })?;
        Ok(file)
    }

    /// Opens a file that [`Service::file`] found, and returns its length in bytes.
    ///
    /// # Errors
    /// `FileNotFound` for a directory, and if the file no longer exists.
    pub(crate) fn content(&self, owner: &Owner<'_>, name: &str) -> Result<(File, u64)> {
        let root = self.root(owner)?;
        let path = relative(name).ok_or_else(|| missing(name))?;
        root.tree.read(&path).map_err(|error| missing(name).with("Reason", error.to_string()))
    }

    /// Returns the files of an owner in any order: all, or only those directly in its directory.
    pub(crate) fn files(
        &self,
        owner: &Owner<'_>,
        recursive: bool,
    ) -> Result<impl Iterator<Item = NodeFile>> {
        let root = self.root(owner)?;
        let levels = if recursive { usize::MAX } else { 1 };
        Ok(root.tree.walk(levels).filter_map(move |path| root.inspect(&path)))
    }

    /// Deletes a file, or a directory: with its contents if `recursive`, otherwise only if it is
    /// empty.
    ///
    /// # Errors
    /// `FileNotFound`, and `IOError` if it cannot be deleted.
    pub(crate) fn delete_file(&self, owner: &Owner<'_>, name: &str, recursive: bool) -> Result<()> {
        self.file(owner, name, &Conditions::default())?;
        let refuse = |reason: &str| ApiError::from(Code::IOError).with("Reason", reason);
        let path = relative(name).filter(|path| !path.as_os_str().is_empty());
        let path = path.ok_or_else(|| refuse("the root directory cannot be deleted"))?;
        let tree = self.root(owner)?.tree;
        let deleted = if recursive { tree.remove(&path) } else { tree.remove_one(&path) };
        deleted.map_err(|error| refuse(&error.to_string()).with("FilePath", name))
    }

    fn root(&self, owner: &Owner<'_>) -> Result<Root> {
        match owner {
            Owner::Task { job, id } => self.task_root(job, id),
            Owner::Node { pool, id } => self.node_root(pool, id),
        }
    }

    fn node_root(&self, pool: &str, id: &str) -> Result<Root> {
        let compute_node = self.pool_node(pool, id)?.node;
        compute_node.require_reachable()?;
        let node = self.node(&compute_node.id).ok_or(Code::NodeNotFound)?;
        Ok(Root { tree: self.tree(&node.root)?, hidden: vec!["etc", volumes::OTHERS] })
    }

    fn task_root(&self, job_id: &str, task_id: &str) -> Result<Root> {
        let (task, _) = self.task(job_id, task_id, &Conditions::default())?;
        let placement = placement_of(&task)?;
        let store = self.store();
        // The node of a pool that was deleted is gone, too.
        let pool = store.pool(&placement.pool_id).map_err(|_| Code::NodeNotFound)?;
        pool.node(&placement.node_id)?.require_reachable()?;
        drop(store);
        let tree = self.tree(&placement.directory)?;
        let hides = self.logs == Logs::AtEnd && task.phase.state != TaskState::Completed;
        Ok(Root { tree, hidden: if hides { STREAMS.to_vec() } else { Vec::new() } })
    }

    /// Opens a directory of a node.
    fn tree(&self, directory: &Path) -> Result<Tree> {
        let relative = directory.strip_prefix(&self.context.root).unwrap_or(directory);
        let tree = Tree::open(&self.context.root, relative);
        tree.map_err(|_| ApiError::from(Code::FileNotFound).with("Reason", "there are no files"))
    }
}

impl Root {
    /// Returns the file or directory at a path. `None` if there is nothing, if it is hidden, behind
    /// a link that leads out, or neither a file nor a directory.
    fn inspect(&self, path: &Path) -> Option<NodeFile> {
        let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let found = self.tree.metadata(here).ok()?;
        let is_file_or_directory = found.is_file() || found.is_dir();
        (is_file_or_directory && !self.hides(here)).then_some(())?;
        Some(NodeFile {
            name: path.to_str()?.to_owned(),
            is_directory: found.is_dir(),
            length: found.len(),
            mode: found.mode(),
            modified: found
                .modified()
                .map_or_else(|_| OffsetDateTime::now_utc(), |at| at.into_std().into()),
        })
    }

    fn hides(&self, path: &Path) -> bool {
        let is_hidden = |real: PathBuf| self.hidden.iter().any(|name| real.starts_with(name));
        !self.hidden.is_empty() && self.tree.canonicalize(path).is_ok_and(is_hidden)
    }
}

/// Returns a path of a request, relative to the owner's directory.
fn relative(name: &str) -> Option<PathBuf> {
    join_inside(Path::new(""), name)
}

fn missing(name: &str) -> ApiError {
    ApiError::from(Code::FileNotFound).with("FilePath", name)
}

fn placement_of(task: &Task) -> Result<&Placement> {
    let id = task.spec.id.as_str();
    if task.cleaned_up {
        return Err(ApiError::from(Code::TaskFilesCleanedup).with("TaskId", id));
    }
    match &task.placement {
        Some(placement) => Ok(placement),
        None if task.phase.state == TaskState::Active => {
            let reason = "The files of the specified task cannot be accessed as the task state is \
                          still active";
            Err(ApiError::from(Code::OperationInvalidForCurrentState).with("Reason", reason))
        }
        None => Err(ApiError::from(Code::TaskFilesUnavailable)
            .with("TaskId", id)
            .with("Reason", "the task did not run")),
    }
}
