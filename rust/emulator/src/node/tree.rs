//! Safe access to files in a directory that tasks write to. It may contain links, FIFOs or deeply
//! nested directories. Links are followed only within the directory; nothing outside is read,
//! written or removed, and only regular files are opened.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions, OpenOptionsExt, PermissionsExt};
use nix::fcntl::OFlag;
use uuid::Uuid;

/// The most iterations of a removal, so that it ends even if a task keeps creating files.
const LEVELS: usize = 10_000_000;

/// An open directory.
#[derive(Clone)]
pub(crate) struct Tree(Arc<Dir>);

/// The iterator of [`Tree::walk`].
pub(crate) struct Walk {
    tree: Tree,
    /// The entries to return, each with whether it is a directory and how many levels below it are
    /// read.
    rest: Vec<(PathBuf, bool, usize)>,
}

impl Tree {
    /// Opens a directory below `root`. Only the emulator writes to `root` itself.
    ///
    /// # Errors
    /// When it does not exist, or a link leads out of `root`.
    pub(crate) fn open(root: &Path, relative: &Path) -> io::Result<Tree> {
        let root = Dir::open_ambient_dir(root, ambient_authority())?;
        root.open_dir(relative).map(|dir| Tree(Arc::new(dir)))
    }

    /// Opens a directory below `root` and creates it if it is missing.
    ///
    /// # Errors
    /// As [`Tree::open`].
    pub(crate) fn create_at(root: &Path, relative: &Path) -> io::Result<Tree> {
        Dir::open_ambient_dir(root, ambient_authority())?.create_dir_all(relative)?;
        Tree::open(root, relative)
    }

    /// Returns the metadata at a path, following links.
    ///
    /// # Errors
    /// When nothing is there, or a link leads out.
    pub(crate) fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.0.metadata(path)
    }

    /// Returns whether there is a link at a path.
    pub(crate) fn is_link(&self, path: &Path) -> bool {
        self.0.symlink_metadata(path).is_ok_and(|found| found.is_symlink())
    }

    /// Returns the path without links.
    ///
    /// # Errors
    /// As [`Tree::metadata`].
    pub(crate) fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.canonicalize(path)
    }

    /// Opens a file for reading, and returns its length in bytes.
    ///
    /// # Errors
    /// As [`Tree::metadata`], and when it is not a regular file.
    pub(crate) fn read(&self, path: &Path) -> io::Result<(File, u64)> {
        let file = self.open_file(path, OpenOptions::new().read(true))?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    /// Opens an empty file for writing and creates its directories. An existing file is
    /// overwritten.
    ///
    /// # Errors
    /// As [`Tree::read`], and when it cannot be created.
    pub(crate) fn write(&self, path: &Path) -> io::Result<File> {
        self.make_directories(path.parent().unwrap_or(Path::new("")))?;
        self.open_file(path, OpenOptions::new().write(true).create(true).truncate(true))
    }

    /// Creates a new file directly in this directory for appending, and replaces what has that
    /// name.
    ///
    /// # Errors
    /// When the old entry cannot be removed, or the file cannot be created.
    pub(crate) fn recreate(&self, name: &str) -> io::Result<File> {
        match self.remove(Path::new(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.open_file(Path::new(name), OpenOptions::new().append(true).create_new(true)),
        }
    }

    /// Creates a directory with its parents, unless it exists.
    ///
    /// # Errors
    /// When it cannot be created, or a link leads out.
    pub(crate) fn make_directories(&self, path: &Path) -> io::Result<()> {
        match path.as_os_str().is_empty() {
            true => Ok(()),
            false => self.0.create_dir_all(path),
        }
    }

    /// Lets every user write to a directory.
    ///
    /// # Errors
    /// When it does not exist, or a link leads out.
    pub(crate) fn make_world_writable(&self, path: &Path) -> io::Result<()> {
        self.0.set_permissions(path, PermissionsExt::from_mode(0o777))
    }

    /// Removes what is at a path: a link itself, a directory with its contents.
    ///
    /// # Errors
    /// When nothing is there, or it cannot be removed.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        if !self.0.symlink_metadata(path)?.is_dir() {
            return self.0.remove_file(path);
        }
        empty(&self.0.open_dir(path)?)?;
        self.0.remove_dir(path)
    }

    /// Removes an empty directory, or anything that is not a directory.
    ///
    /// # Errors
    /// As [`Tree::remove`].
    pub(crate) fn remove_one(&self, path: &Path) -> io::Result<()> {
        match self.0.symlink_metadata(path)?.is_dir() {
            true => self.0.remove_dir(path),
            false => self.0.remove_file(path),
        }
    }

    /// Removes everything in this directory.
    ///
    /// # Errors
    /// For the first entry that cannot be removed.
    pub(crate) fn empty(&self) -> io::Result<()> {
        empty(&self.0)
    }

    /// Returns the paths below this directory, up to this many levels: a directory before its
    /// contents, otherwise sorted by name. Links are not followed, and unreadable directories are
    /// skipped.
    pub(crate) fn walk(&self, levels: usize) -> Walk {
        let mut walk = Walk { tree: self.clone(), rest: Vec::new() };
        walk.push_entries(Path::new(""), levels);
        walk
    }

    /// Opens a regular file. Does not block on a FIFO.
    fn open_file(&self, path: &Path, options: &mut OpenOptions) -> io::Result<File> {
        let file = self.0.open_with(path, options.custom_flags(OFlag::O_NONBLOCK.bits()))?;
        let file = file.into_std();
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
        }
    }
}

impl Walk {
    fn push_entries(&mut self, directory: &Path, levels: usize) {
        let Some(below) = levels.checked_sub(1) else { return };
        let here = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let entries = self.tree.0.read_dir(here).into_iter().flatten().flatten();
        let first = self.rest.len();
        self.rest.extend(entries.map(|entry| {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            (directory.join(entry.file_name()), is_directory, below)
        }));
        // The last entry is returned first.
        self.rest[first..].sort_unstable_by(|one, other| other.cmp(one));
    }
}

impl Iterator for Walk {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        let (path, is_directory, below) = self.rest.pop()?;
        if is_directory {
            self.push_entries(&path, below);
        }
        Some(path)
    }
}

/// Removes everything in a directory. The contents of a subdirectory are moved up before it is
/// removed: recursion would need a file descriptor and stack space for every level.
fn empty(dir: &Dir) -> io::Result<()> {
    for _ in 0..LEVELS {
        let mut is_empty = true;
        for entry in dir.entries()? {
            is_empty = false;
            let entry = entry?;
            ignore_not_found(match entry.file_type()?.is_dir() {
                true => flatten(dir, &entry.file_name()),
                false => entry.remove_file(),
            })?;
        }
        if is_empty {
            return Ok(());
        }
    }
    Err(io::Error::other("files are still being created there"))
}

/// Removes a directory in `parent`, and moves its subdirectories to `parent`.
fn flatten(parent: &Dir, name: &OsString) -> io::Result<()> {
    if parent.remove_dir(name).is_ok() {
        return Ok(());
    }
    let dir = parent.open_dir(name)?;
    for entry in dir.entries()? {
        let entry = entry?;
        let is_directory = entry.file_type()?.is_dir();
        ignore_not_found(match is_directory {
            true if entry.remove_dir().is_ok() => Ok(()),
            true => dir.rename(entry.file_name(), parent, Uuid::new_v4().to_string()),
            false => entry.remove_file(),
        })?;
    }
    parent.remove_dir(name)
}

/// Ignores that an entry is already gone.
fn ignore_not_found(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use tempfile::TempDir;

    use super::*;

    /// Creates a directory `task` next to the file `secret` and the directory `other`.
    fn place() -> (TempDir, Tree) {
        let root = tempfile::tempdir().unwrap();
        for name in ["task/d", "other"] {
            std::fs::create_dir_all(root.path().join(name)).unwrap();
        }
        std::fs::write(root.path().join("secret"), "secret").unwrap();
        let tree = Tree::open(root.path(), Path::new("task")).unwrap();
        (root, tree)
    }

    #[test]
    fn nothing_is_opened_written_or_removed_through_a_link_that_leads_out() {
        let (root, tree) = place();
        for (target, link) in [("../secret", "file"), ("../other", "dir"), ("..", "up")] {
            symlink(target, root.path().join("task").join(link)).unwrap();
        }
        symlink(root.path().join("secret"), root.path().join("task/absolute")).unwrap();
        symlink("/dev/zero", root.path().join("task/endless")).unwrap();
        for path in ["file", "absolute", "up/secret", "endless"].map(Path::new) {
            assert!(tree.read(path).is_err(), "{path:?}");
            assert!(tree.metadata(path).is_err(), "{path:?}");
            assert!(tree.write(path).is_err(), "{path:?}");
        }
        assert!(tree.write(Path::new("dir/new/file")).is_err());
        assert!(tree.make_directories(Path::new("dir/new")).is_err());
        assert!(tree.make_world_writable(Path::new("dir")).is_err());
        assert!(tree.remove(Path::new("up/secret")).is_err());
        assert!(Tree::open(&root.path().join("task"), Path::new("up")).is_err());
        tree.empty().unwrap();
        assert_eq!(std::fs::read(root.path().join("secret")).unwrap(), b"secret");
        assert_eq!(std::fs::read_dir(root.path().join("other")).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_link_that_stays_inside_is_followed() {
        let (root, tree) = place();
        symlink("d", root.path().join("task/link")).unwrap();
        drop(tree.write(Path::new("link/e/file")).unwrap());
        assert_eq!(tree.read(Path::new("d/e/file")).unwrap().1, 0);
        tree.make_world_writable(Path::new("link")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &root.path().join("task/d").metadata().unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o777);
        let real = tree.canonicalize(Path::new("link/e/file")).unwrap();
        assert_eq!(real, Path::new("d/e/file"));
    }

    #[test]
    fn a_fifo_is_no_file_and_nobody_waits_for_its_other_end() {
        let (root, tree) = place();
        let path = root.path().join("task/fifo");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        assert!(tree.read(Path::new("fifo")).is_err());
        assert!(tree.write(Path::new("fifo")).is_err());
        let held = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        assert!(tree.write(Path::new("fifo")).is_err());
        drop(held);
        drop(tree.recreate("fifo").unwrap());
        assert!(path.metadata().unwrap().is_file());
    }

    #[test]
    fn anything_with_the_name_of_a_stream_is_replaced() {
        let (root, tree) = place();
        symlink("../secret", root.path().join("task/link")).unwrap();
        std::fs::create_dir_all(root.path().join("task/full/of")).unwrap();
        for name in ["link", "d", "full", "none"] {
            drop(tree.recreate(name).unwrap());
            let there = std::fs::symlink_metadata(root.path().join("task").join(name)).unwrap();
            assert!(there.is_file() && there.len() == 0, "{name}");
        }
        assert_eq!(std::fs::read(root.path().join("secret")).unwrap(), b"secret");
    }

    #[test]
    fn directories_are_removed_however_deep_and_wide_they_are() {
        let (root, tree) = place();
        let mut dir = Dir::open_ambient_dir(root.path().join("task"), ambient_authority()).unwrap();
        for level in 0..20_000 {
            drop(dir.create("file").unwrap());
            dir.create_dir("d")
                .or_else(|error| if level == 0 { Ok(()) } else { Err(error) })
                .unwrap();
            dir = dir.open_dir("d").unwrap();
        }
        drop(dir);
        for number in 0..1_000 {
            std::fs::create_dir_all(root.path().join(format!("task/d/{number}/e"))).unwrap();
        }
        tree.remove(Path::new("d")).unwrap();
        assert_eq!(std::fs::read_dir(root.path().join("task")).unwrap().count(), 1, "the file");
    }

    #[test]
    fn a_walk_names_a_directory_before_what_is_in_it() {
        let (root, tree) = place();
        for name in ["b", "d/f", "d/e/g", "d-", "é"] {
            drop(tree.write(Path::new(name)).unwrap());
        }
        symlink("d", root.path().join("task/link")).unwrap();
        let names = |levels| -> Vec<String> {
            tree.walk(levels).map(|path| path.display().to_string()).collect()
        };
        assert_eq!(names(9), ["b", "d", "d/e", "d/e/g", "d/f", "d-", "link", "é"]);
        assert_eq!(names(1), ["b", "d", "d-", "link", "é"]);
        assert!(names(0).is_empty());
    }
}
