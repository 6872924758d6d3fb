//! The Kestra task's working directory on this machine.
//!
//! What is in it was made by a flow, by what a flow fetched, and by a task elsewhere. So everything is opened beneath
//! the directory: a link or a `..` that leads out of it is followed neither for reading nor for writing, even if it is
//! put there while a file travels. And only regular files are read: a FIFO would never end.
//! What is different on Unix and on Windows is in `unix` and `windows`, which have the same functions.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use md5::{Digest, Md5};
use uuid::Uuid;

#[cfg(test)]
mod properties;
#[cfg(unix)]
mod unix;
mod walk;
#[cfg(windows)]
mod windows;
#[cfg(any(windows, test))]
mod windows_names;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub(crate) use walk::{Contents, Entry, Kind, MAX_ENTRIES, MAX_PATH};

/// A directory and what is below it.
#[derive(Debug)]
pub(crate) struct WorkingDir {
    dir: Dir,
    /// Without links.
    path: PathBuf,
}

/// Why a file is not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is elsewhere.
    LeadsOut,
    /// There are no bytes to take: it is a directory, a FIFO, a socket or a device, or a link to nothing.
    NotAFile(&'static str),
    /// Its path has more bytes than a node may be able to hold.
    TooLong,
    /// There are more entries than [`walk::MAX_ENTRIES`].
    TooMany,
    Io(io::Error),
}

const SPECIAL: &str = "a FIFO, a socket or a device";
const DANGLING: &str = "a link that leads nowhere";

impl WorkingDir {
    /// Everything else is relative to this directory, however it is reached later.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        system::check_root(&path)?;
        Ok(Self { dir: Dir::open_ambient_dir(&path, ambient_authority())?, path })
    }

    /// Reads exactly `size` bytes: a file that shrinks meanwhile is an error, not a shorter blob.
    pub(crate) fn read(&self, name: &Path, start: u64, size: u64) -> io::Result<Vec<u8>> {
        let mut file = self.open_file(name)?;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::with_capacity(usize::try_from(size).map_err(io::Error::other)?);
        file.take(size).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == size {
            Ok(bytes)
        } else {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it has become shorter meanwhile"))
        }
    }

    fn open_file(&self, name: &Path) -> Result<File, Refusal> {
        let file = self.open_any(name)?;
        match file.metadata().map_err(Refusal::Io)?.file_type() {
            kind if kind.is_file() => Ok(file),
            kind if kind.is_dir() => Err(Refusal::NotAFile("a directory")),
            _ => Err(Refusal::NotAFile(SPECIAL)),
        }
    }

    /// Opens what is there, whatever it is.
    fn open_any(&self, name: &Path) -> Result<File, Refusal> {
        system::check_name(name)?;
        let options = system::reading();
        let opened = match self.dir.open_with(name, &options) {
            Err(error) if is_escape(&error) => self.dir.open_with(self.inside(name)?, &options),
            other => other,
        };
        opened.map(cap_std::fs::File::into_std).map_err(|error| self.refusal(name, error))
    }

    /// Where a name leads that seems to lead out: an absolute link may point to a place in the directory all the same.
    fn inside(&self, name: &Path) -> Result<PathBuf, Refusal> {
        let place = self.path.join(name).canonicalize();
        let refusal = |error| {
            if is_dangling(&error) { Refusal::NotAFile(DANGLING) } else { Refusal::LeadsOut }
        };
        let place = place.map_err(refusal)?;
        let place = place.strip_prefix(&self.path).map_err(|_| Refusal::LeadsOut)?;
        // The directory itself.
        Ok(if place == Path::new("") { PathBuf::from(".") } else { place.to_path_buf() })
    }

    fn refusal(&self, name: &Path, error: io::Error) -> Refusal {
        let is_link = || self.dir.symlink_metadata(name).is_ok_and(|data| data.is_symlink());
        match error {
            error if is_escape(&error) => Refusal::LeadsOut,
            error if system::is_special(&error) => Refusal::NotAFile(SPECIAL),
            error if is_dangling(&error) && is_link() => Refusal::NotAFile(DANGLING),
            error => Refusal::Io(error),
        }
    }

    /// Free space on its disk for this user, in bytes. None if the system does not say.
    pub(crate) fn free_space(&self) -> io::Result<Option<u64>> {
        system::free_space(&self.dir)
    }

    /// Whether this is a regular file of that size and MD5 digest, which is how Blob Storage knows a content.
    pub(crate) fn holds(&self, name: &str, size: u64, md5: [u8; 16]) -> io::Result<bool> {
        let (mut file, mut digest) = (self.open_file(Path::new(name))?, Md5::new());
        if file.metadata()?.len() != size {
            return Ok(false);
        }
        io::copy(&mut file, &mut digest)?;
        Ok(md5 == *digest.finalize())
    }

    /// Sets the permissions of a regular file. Its owner can always read and write it.
    pub(crate) fn set_mode(&self, name: &str, mode: u32) -> io::Result<()> {
        system::set_mode(&self.open_file(Path::new(name))?, mode)
    }

    /// Makes a directory, unless it is there.
    pub(crate) fn make_dir(&self, name: &str) -> Result<(), Refusal> {
        let path = Path::new(name);
        system::check_name(path)?;
        self.make_dirs(path).map_err(|error| self.refusal(path, error))
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        // A link that leads out is only said to exist.
        self.dir.create_dir_all(path).or_else(|_| self.dir.read_dir(path).map(drop))
    }

    /// A new file that takes the place of `name` once it is complete. Missing directories are made.
    pub(crate) fn create(self: &Arc<Self>, name: &str) -> Result<NewFile, Refusal> {
        system::check_name(Path::new(name))?;
        let refusal = |error| self.refusal(Path::new(name), error);
        let parent = Path::new(name).parent().unwrap_or(Path::new(""));
        if parent != Path::new("") {
            self.make_dirs(parent).map_err(refusal)?;
        }
        let temporary = parent.join(format!(".{}.part", Uuid::new_v4()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = self.dir.open_with(&temporary, &options).map_err(refusal)?.into_std();
        Ok(NewFile { working_dir: Arc::clone(self), name: name.into(), temporary, file })
    }
}

/// A file on its way; it is deleted unless it is [put in its place](NewFile::persist).
pub(crate) struct NewFile {
    working_dir: Arc<WorkingDir>,
    name: PathBuf,
    temporary: PathBuf,
    file: File,
}

impl NewFile {
    /// Writes the bytes at a position, whatever is written elsewhere in the file at the same time.
    pub(crate) fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        system::write_at(&self.file, bytes, position)
    }

    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        system::set_mode(&self.file, mode)
    }

    pub(crate) fn persist(&self) -> io::Result<()> {
        let WorkingDir { dir, path } = &*self.working_dir;
        system::put(dir, path, &self.temporary, &self.name)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Not there once it has its own name. Otherwise nothing can be done about it.
        let _ = self.working_dir.dir.remove_file(&self.temporary);
    }
}

/// The error of cap-std for a path that leads out; the system has no error like it.
fn is_escape(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

/// What following a link says that leads nowhere.
fn is_dangling(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| system::NOWHERE.contains(&code))
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::LeadsOut => Self::other("it leads out of the working directory"),
            Refusal::NotAFile(kind) => Self::other(format!("it is {kind}")),
            Refusal::TooLong => Self::other("its path is too long"),
            Refusal::TooMany => Self::other("it holds too many files"),
            Refusal::Io(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    struct Lab {
        outer: tempfile::TempDir,
        working_dir: Arc<WorkingDir>,
    }

    /// A working directory with a file, beside a secret.
    fn lab() -> Lab {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("wd");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(outer.path().join("secret"), "secret").unwrap();
        std::fs::write(inner.join("file"), "0123456789").unwrap();
        Lab { working_dir: Arc::new(WorkingDir::open(&inner).unwrap()), outer }
    }

    impl Lab {
        fn size(&self, name: &str) -> Result<u64, Refusal> {
            Ok(self.working_dir.open_file(Path::new(name))?.metadata().unwrap().len())
        }

        fn read(&self, name: &str, start: u64, size: u64) -> io::Result<Vec<u8>> {
            self.working_dir.read(Path::new(name), start, size)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.outer.path().join("wd").join(name)
        }

        fn link(&self, name: &str, target: impl AsRef<Path>) {
            symlink(target, self.path(name)).unwrap();
        }
    }

    #[test]
    fn what_leads_out_is_not_read() {
        let lab = lab();
        let secret = lab.outer.path().join("secret");
        lab.link("relative", "../secret");
        lab.link("absolute", &secret);
        lab.link("dir", "..");
        lab.link("twice", "relative");
        lab.link("process", "/proc/self/environ");
        for name in ["relative", "absolute", "dir/secret", "twice", "process", "../secret"] {
            let refusal = lab.size(name).unwrap_err();
            assert!(matches!(refusal, Refusal::LeadsOut), "{name}: {refusal:?}");
            assert!(lab.read(name, 0, 1).is_err(), "{name}");
        }
        let outside = secret.to_str().unwrap();
        assert!(matches!(lab.size(outside), Err(Refusal::LeadsOut)));
    }

    #[test]
    fn links_that_stay_inside_are_followed_absolute_ones_too() {
        let lab = lab();
        std::fs::create_dir(lab.path("sub")).unwrap();
        lab.link("relative", "file");
        lab.link("absolute", lab.path("file"));
        lab.link("sub/up", "../file");
        lab.link("around", "../wd/file");
        for name in ["file", "relative", "absolute", "sub/up", "around"] {
            assert_eq!(lab.size(name).unwrap(), 10, "{name}");
            assert_eq!(lab.read(name, 3, 4).unwrap(), b"3456", "{name}");
        }
    }

    #[test]
    fn what_is_not_a_file_is_told_and_never_waited_for() {
        let lab = lab();
        nix::unistd::mkfifo(&lab.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _socket = UnixListener::bind(lab.path("socket")).unwrap();
        std::fs::create_dir(lab.path("directory")).unwrap();
        lab.link("to-fifo", "fifo");
        lab.link("dangling", "nothing");
        lab.link("absolute", lab.path("nothing"));
        lab.link("outside", "../nothing");
        lab.link("below-file", "file/nothing");
        lab.link("long", "x".repeat(300));
        lab.link("loop", "loop");
        let names = [
            "fifo",
            "socket",
            "directory",
            "to-fifo",
            "dangling",
            "absolute",
            "outside",
            "below-file",
            "long",
            "loop",
        ];
        for name in names {
            let refusal = lab.size(name).unwrap_err();
            assert!(matches!(refusal, Refusal::NotAFile(_)), "{name}: {refusal:?}");
        }
        assert!(matches!(lab.size("nothing"), Err(Refusal::Io(_))));
    }

    #[test]
    fn a_file_that_shrinks_is_an_error() {
        let lab = lab();
        assert!(lab.read("file", 5, 6).is_err());
    }

    #[test]
    fn a_new_file_appears_whole_or_not_at_all_and_never_outside() {
        let lab = lab();
        let write = |name: &str| -> io::Result<()> {
            let new = lab.working_dir.create(name)?;
            new.write_at(b"new", 0)?;
            new.persist()
        };
        write("a/b/c").unwrap();
        write("file").unwrap();
        assert_eq!(std::fs::read(lab.path("a/b/c")).unwrap(), b"new");
        drop(lab.working_dir.create("a/b/gone").unwrap());
        assert_eq!(std::fs::read_dir(lab.path("a/b")).unwrap().count(), 1);

        lab.link("out", "..");
        lab.link("absolute", lab.outer.path());
        lab.link("secret-link", "../secret");
        for name in ["out/x", "out/wd2/x", "absolute/x", "../x", "/tmp/x"] {
            assert!(write(name).is_err(), "{name}");
        }
        // The link is replaced, and not what it leads to.
        write("secret-link").unwrap();
        assert_eq!(std::fs::read(lab.outer.path().join("secret")).unwrap(), b"secret");
        assert_eq!(std::fs::read_dir(lab.outer.path()).unwrap().count(), 2);
    }
}
