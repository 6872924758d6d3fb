//! The volumes of `containerRunOptions`: directories of the node that are mounted in a container.
//!
//! [Bind mounts](https://docs.docker.com/engine/storage/bind-mounts/)

use std::path::{Path, PathBuf};

use super::container::Mount;
use super::directory::join_inside;
use super::run_options::Volume;
use super::tree::Tree;
use super::{DIRECTORIES, Node, Work};

/// The directories of this machine that are also those of a node. They are mounted read-only.
const OF_MACHINE: [&str; 2] = ["/usr", "/etc/ssl/certs"];
/// The directory in the node's root with the node's other directories, which are empty at first.
pub(crate) const OTHERS: &str = "volumes";

/// Returns the mount of a volume. As docker does, it creates a directory that is missing.
///
/// # Errors
/// Why there is no such directory on the node.
pub(super) fn mount(node: &Node, work: &Work, volume: &Volume) -> Result<Mount, String> {
    let source = Path::new(&volume.source);
    let inside = PathBuf::from(&volume.target);
    if OF_MACHINE.iter().any(|directory| source.starts_with(directory)) {
        return match source.is_dir() && join_inside(Path::new("/"), &volume.source[1..]).is_some() {
            true => Ok(Mount { host: source.to_owned(), inside, read_only: true }),
            false => Err(format!("{} is not a directory of the node", volume.source)),
        };
    }
    let relative = relative(work, source)?;
    let refuse = |reason: &dyn std::fmt::Display| format!("{}: {reason}", volume.source);
    Tree::create_at(&node.root, &relative).map_err(|error| refuse(&error))?;
    let host = node.root.join(relative).canonicalize().map_err(|error| refuse(&error))?;
    match host.starts_with(&node.root) {
        true => Ok(Mount { host, inside, read_only: volume.read_only }),
        false => Err(refuse(&"it leads out of the node")),
    }
}

/// Returns the path of a directory in the node's root. The files of other tasks are not shared.
fn relative(work: &Work, source: &Path) -> Result<PathBuf, String> {
    let refuse = |reason: &str| Err(format!("{}: {reason}", source.display()));
    let (base, rest) = match source.strip_prefix(&work.directory.inside_root) {
        Ok(rest) => ("", rest),
        Err(_) => (OTHERS, source.strip_prefix("/").unwrap_or(source)),
    };
    let Some(path) = rest.to_str().and_then(|rest| join_inside(Path::new(base), rest)) else {
        return refuse("the path of a volume cannot contain '..'");
    };
    let shared = DIRECTORIES.iter().filter(|name| **name != "workitems");
    let mut allowed = shared.copied().chain([OTHERS, work.directory.relative.as_str()]);
    match allowed.any(|directory| path.starts_with(directory)) {
        true => Ok(path),
        false => refuse("the files of other tasks cannot be mounted"),
    }
}
