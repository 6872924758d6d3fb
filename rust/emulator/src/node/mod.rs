//! A compute node: runs tasks on this machine as a node of a pool would.

mod access;
pub(crate) mod blob;
pub(crate) mod command_line;
pub(crate) mod container;
pub(crate) mod directory;
mod environment;
pub(crate) mod faults;
pub(crate) mod image;
mod output_files;
mod pattern;
mod process;
pub(crate) mod resource_files;
mod run;
pub(crate) mod run_options;
pub(crate) mod sandbox;
pub(crate) mod tree;
mod usage;
pub(crate) mod volumes;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::faults::active::ActiveFaults;
use crate::settings::{BlobPrefix, EndedExitCode, Isolation, Splitting, WildcardBase};
use crate::store::pool::Pool;
use crate::wire::common::EnvironmentSetting;
use crate::wire::pool::UserAccount;
use crate::wire::task::TaskCreate;
use access::Access;
use blob::Storage;
use directory::TaskDirectory;
use faults::NodeFault;
use image::Images;
use process::Processes;
use tree::Tree;

/// The directories that every node has under its root.
const DIRECTORIES: [&str; 5] = ["workitems", "shared", "startup", "fsmounts", "applications"];

/// A node of a pool.
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) is_dedicated: bool,
    /// The id of its pool.
    pub(crate) pool_id: String,
    /// Whether its pool has a containerConfiguration.
    containers: bool,
    /// The resource ids of its pool's identities.
    identities: Vec<String>,
    /// The user accounts of its pool.
    users: Vec<UserAccount>,
    /// `AZ_BATCH_NODE_ROOT_DIR` on this machine.
    pub(crate) root: PathBuf,
    context: NodeContext,
    processes: Processes,
}

/// What all nodes of an account share.
#[derive(Clone)]
pub(crate) struct NodeContext {
    /// The directory that contains the nodes' root directories.
    pub(crate) root: PathBuf,
    pub(crate) isolation: Isolation,
    pub(crate) images: Arc<Images>,
    pub(crate) account: String,
    pub(crate) account_url: String,
    pub(crate) storage: Storage,
    pub(crate) faults: Arc<ActiveFaults<NodeFault>>,
    pub(crate) command_line: Splitting,
    pub(crate) blob_prefix: BlobPrefix,
    pub(crate) wildcard_base: WildcardBase,
    pub(crate) ended_exit_code: EndedExitCode,
}

/// What a node needs to run a task.
pub(crate) struct Work {
    /// `None` for a start task.
    pub(crate) job_id: Option<String>,
    pub(crate) task: TaskCreate,
    /// The job's commonEnvironmentSettings.
    pub(crate) common_environment: Vec<EnvironmentSetting>,
    pub(crate) directory: TaskDirectory,
    /// The directory is as the run before has left it on this node, and nothing is downloaded again
    /// ([Azure/Batch #14](https://github.com/Azure/Batch/issues/14)).
    pub(crate) is_retry: bool,
    /// The directory of the job's preparation task, if there is one.
    pub(crate) preparation: Option<TaskDirectory>,
    /// With which the task can authenticate operations on its job.
    pub(crate) token: Option<String>,
}

impl Node {
    /// Creates a node of a pool with its directories.
    ///
    /// # Errors
    /// When the directories cannot be created.
    pub(crate) fn new(pool: &Pool, is_dedicated: bool, context: &NodeContext) -> io::Result<Node> {
        let id = node_id(is_dedicated);
        let node = Node {
            root: context.root.join(&id),
            id,
            is_dedicated,
            pool_id: pool.id.clone(),
            containers: pool.has_containers(),
            identities: pool.identities.clone(),
            users: pool.spec.user_accounts.clone().unwrap_or_default(),
            context: context.clone(),
            processes: Processes::default(),
        };
        node.make_directories()?;
        Ok(node)
    }

    /// Removes the node's files, as on a new machine.
    ///
    /// # Errors
    /// When the directories cannot be created.
    pub(crate) fn reset(&self) -> io::Result<()> {
        self.remove_files();
        self.make_directories()
    }

    /// Removes all its files. What cannot be removed here is removed with the emulator's own
    /// directory.
    pub(crate) fn remove_files(&self) {
        let all = Tree::open(&self.context.root, Path::new("."));
        all.and_then(|nodes| nodes.remove(Path::new(&self.id))).ok();
    }

    fn make_directories(&self) -> io::Result<()> {
        for name in DIRECTORIES {
            std::fs::create_dir_all(self.root.join(name))?;
        }
        container::write_etc(&self.root, &self.id)
    }

    /// Returns the directory of a task on this node.
    pub(crate) fn task_directory(&self, job_id: &str, task_id: &str) -> TaskDirectory {
        let inside = match self.context.isolation {
            Isolation::Bubblewrap => Path::new(sandbox::NODE_ROOT),
            Isolation::None => &self.root,
        };
        TaskDirectory::new(&self.root, inside, job_id, task_id)
    }

    /// Returns the directory of the start task.
    fn startup_directory(&self) -> TaskDirectory {
        let inside_root = self.task_directory("", "").inside_root;
        TaskDirectory { inside_root, root: self.root.clone(), relative: "startup".to_owned() }
    }

    /// Returns whether the task runs as an administrator.
    fn is_elevated(&self, task: &TaskCreate) -> bool {
        match task.user_name() {
            Some(name) => {
                self.users.iter().any(|user| user.name == name && user.is_administrator())
            }
            None => task.is_elevated(),
        }
    }

    /// Returns the node's access to storage accounts.
    fn access(&self) -> Access<'_> {
        let Storage { linked, directory, .. } = &self.context.storage;
        let (linked, directory) = (linked.as_ref(), directory.as_deref());
        Access { linked, directory, identities: &self.identities }
    }

    /// Kills every process of every task.
    pub(crate) fn kill_all(&self) {
        self.processes.kill_all();
    }
}

/// Returns a node id in the service's format, short enough for a host name (64 characters).
fn node_id(is_dedicated: bool) -> String {
    let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|half| half.simple().to_string());
    let kind = if is_dedicated { 'd' } else { 'p' };
    format!("tvmps_{}_{kind}", &random.concat()[..48])
}
