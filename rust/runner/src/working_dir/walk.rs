//! What a working directory holds, links followed.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cap_std::fs::Dir;

use super::{Refusal, SPECIAL, WorkingDir, system};

/// Files and directories at most. Links to directories can make a small directory hold any number of them.
pub(crate) const MAX_ENTRIES: usize = 1_000_000;

/// Longest path below the working directory, in bytes. Linux allows 4,096 for a whole path, and a node puts its own
/// directories and the names of job and task before it.
pub(crate) const MAX_PATH: usize = 3_500;

/// A file or a directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Relative to the working directory, with `/` on every system; links are not resolved.
    pub(crate) path: PathBuf,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File {
        /// In bytes.
        size: u64,
    },
    Directory,
}

/// All that can be taken, each directory before what is in it, and what cannot.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) entries: Vec<Entry>,
    /// With what each of them is.
    pub(crate) left_out: Vec<(PathBuf, &'static str)>,
}

/// A directory that the walk is in, and those that it came through.
struct Place {
    id: system::Identity,
    above: Option<Rc<Place>>,
}

struct Walk<'a> {
    working_dir: &'a WorkingDir,
    without: Option<&'a Path>,
    most: usize,
    waiting: Vec<(PathBuf, Option<Rc<Place>>)>,
    contents: Contents,
}

impl WorkingDir {
    /// Returns what is below the directory, except for `without`. A link counts as what it points to, so a directory is
    /// there under the name of each link to it; one that leads back to a directory that it is in is left out.
    ///
    /// # Errors
    /// With the path: something leads out of the directory, cannot be read, or is more than can be taken.
    pub(crate) fn walk(&self, without: Option<&Path>) -> Result<Contents, (PathBuf, Refusal)> {
        self.walk_at_most(MAX_ENTRIES, without)
    }

    fn walk_at_most(
        &self,
        most: usize,
        without: Option<&Path>,
    ) -> Result<Contents, (PathBuf, Refusal)> {
        let (waiting, contents) = (Vec::new(), Contents::default());
        let mut walk = Walk { working_dir: self, without, most, waiting, contents };
        let root = self.open_any(Path::new("."));
        root.and_then(|root| walk.enter(root, Path::new(""), None)).map_err(at(Path::new("")))?;
        while let Some((path, above)) = walk.waiting.pop() {
            let failed = at(&path);
            walk.take(path, above).map_err(failed)?;
        }
        Ok(walk.contents)
    }
}

fn at(path: &Path) -> impl FnOnce(Refusal) -> (PathBuf, Refusal) + use<> {
    let path = path.to_owned();
    |refusal| (path, refusal)
}

impl Walk<'_> {
    fn take(&mut self, path: PathBuf, above: Option<Rc<Place>>) -> Result<(), Refusal> {
        let (file, entry) = match self.look(&path, above.as_deref()) {
            Err(Refusal::NotAFile(what)) => {
                self.contents.left_out.push((path, what));
                return Ok(());
            }
            other => other?,
        };
        let is_directory = entry.kind == Kind::Directory;
        self.contents.entries.push(entry);
        if is_directory { self.enter(file, &path, above) } else { Ok(()) }
    }

    fn look(&self, path: &Path, above: Option<&Place>) -> Result<(File, Entry), Refusal> {
        if path.as_os_str().len() > MAX_PATH {
            return Err(Refusal::TooLong);
        }
        let file = self.working_dir.open_any(path)?;
        let data = file.metadata()?;
        let kind = match data.file_type() {
            kind if kind.is_file() => Kind::File { size: data.len() },
            kind if kind.is_dir() => Kind::Directory,
            _ => return Err(Refusal::NotAFile(SPECIAL)),
        };
        if kind == Kind::Directory && is_within(&self.identity(&data, path)?, above) {
            return Err(Refusal::NotAFile("a link to a directory that it is in"));
        }
        Ok((file, Entry { path: path.to_owned(), mode: system::mode(&data), kind }))
    }

    fn identity(&self, data: &Metadata, path: &Path) -> io::Result<system::Identity> {
        system::identity(data, || self.working_dir.path.join(path))
    }

    /// What is in the directory comes next, by name.
    fn enter(
        &mut self,
        directory: File,
        path: &Path,
        above: Option<Rc<Place>>,
    ) -> Result<(), Refusal> {
        let data = directory.metadata()?;
        let place = Rc::new(Place { id: self.identity(&data, path)?, above });
        let mut names = self.names(directory)?;
        names.sort_unstable_by(|a, b| b.cmp(a));
        let paths = names.iter().map(|name| system::child(path, name));
        let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| self.without != Some(path));
        self.waiting.extend(paths.into_iter().map(|path| (path, Some(Rc::clone(&place)))));
        let Contents { entries, left_out } = &self.contents;
        let count = self.waiting.len() + entries.len() + left_out.len();
        if count > self.most { Err(Refusal::TooMany) } else { Ok(()) }
    }

    /// Not many more than can be taken.
    fn names(&self, directory: File) -> io::Result<Vec<OsString>> {
        let entries = Dir::from_std_file(directory).entries()?.take(self.most + 2);
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }
}

/// Whether the walk is in this directory already.
fn is_within(id: &system::Identity, mut place: Option<&Place>) -> bool {
    while let Some(Place { id: this, above }) = place {
        if this == id {
            return true;
        }
        place = above.as_deref();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Lab {
        dir: tempfile::TempDir,
    }

    impl Lab {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn path(&self, name: &str) -> PathBuf {
            let path = self.dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        }

        fn walk(&self, most: usize) -> Result<Contents, (PathBuf, Refusal)> {
            WorkingDir::open(self.dir.path()).unwrap().walk_at_most(most, Some(Path::new("out")))
        }
    }

    fn paths(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.path.to_str().unwrap()).collect()
    }

    #[test]
    fn each_directory_comes_before_what_is_in_it_and_the_output_directory_is_left_out() {
        let lab = Lab::new();
        fs::write(lab.path("b/file"), "12345").unwrap();
        fs::write(lab.path("out/file"), "").unwrap();
        fs::write(lab.path("b/out/file"), "").unwrap();
        fs::create_dir(lab.path("a")).unwrap();
        fs::set_permissions(lab.path("b/file"), fs::Permissions::from_mode(0o4751)).unwrap();
        let contents = lab.walk(10).unwrap();
        assert_eq!(paths(&contents.entries), ["a", "b", "b/file", "b/out", "b/out/file"]);
        let Entry { mode, kind, .. } = &contents.entries[2];
        assert_eq!((*mode, kind), (0o751, &Kind::File { size: 5 }));
    }

    #[test]
    fn a_link_to_a_directory_is_that_directory_and_one_that_leads_back_is_left_out() {
        let lab = Lab::new();
        fs::write(lab.path("data/file"), "x").unwrap();
        symlink("data", lab.path("link")).unwrap();
        symlink(".", lab.path("data/self")).unwrap();
        symlink(lab.dir.path(), lab.path("root")).unwrap();
        symlink("../link", lab.path("data/round")).unwrap();
        let contents = lab.walk(100).unwrap();
        assert_eq!(paths(&contents.entries), ["data", "data/file", "link", "link/file"]);
        let left_out: Vec<_> =
            contents.left_out.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        let expected = ["data/round", "data/self", "link/round", "link/self", "root"];
        assert_eq!(left_out, expected);
        assert!(
            contents.left_out.iter().all(|(_, what)| what.contains("a directory that it is in"))
        );
    }

    #[test]
    fn links_to_links_that_multiply_without_end_are_refused_in_time() {
        let lab = Lab::new();
        for level in 0..40 {
            for name in ["a", "b", "c"] {
                let to = format!("../{}", level + 1);
                symlink(to, lab.path(&format!("{level}/{name}"))).unwrap();
            }
        }
        fs::create_dir(lab.path("40")).unwrap();
        let (path, refusal) = lab.walk(10_000).unwrap_err();
        assert!(matches!(refusal, Refusal::TooMany) && path.starts_with("0"), "{path:?}");
    }

    #[test]
    fn a_path_that_no_node_can_hold_is_refused() {
        let lab = Lab::new();
        let long = vec!["x".repeat(200); MAX_PATH / 200].join("/");
        fs::create_dir_all(lab.path(&long)).unwrap();
        assert_eq!(lab.walk(100).unwrap().entries.len(), MAX_PATH / 200);
        let longer = "y".repeat(100);
        fs::write(lab.path(&long).join(&longer), "").unwrap();
        let (path, refusal) = lab.walk(100).unwrap_err();
        assert!(matches!(refusal, Refusal::TooLong) && path.ends_with(longer), "{path:?}");
    }
}
