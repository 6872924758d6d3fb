//! The Kestra task's working directory on this machine.
//!
//! What is in it was made by a flow, by what a flow fetched, and by a task elsewhere. So everything is opened beneath
//! the directory: a link or a `..` that leads out of it is followed neither for reading nor for writing, even if it is
//! put there while a file travels. And only regular files are read: a FIFO would never end.

use std::fs::{File, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use md5::{Digest, Md5};
use uuid::Uuid;

#[cfg(test)]
mod properties;

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
    Io(io::Error),
}

impl WorkingDir {
    /// Everything else is relative to this directory, however it is reached later.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        Ok(Self { dir: Dir::open_ambient_dir(&path, ambient_authority())?, path })
    }

    /// The size of a regular file, in bytes.
    pub(crate) fn size(&self, name: &str) -> Result<u64, Refusal> {
        let file = self.open_file(name)?;
        Ok(file.metadata().map_err(Refusal::Io)?.len())
    }

    /// Reads exactly `size` bytes: a file that shrinks meanwhile is an error, not a shorter blob.
    pub(crate) fn read(&self, name: &str, start: u64, size: u64) -> io::Result<Vec<u8>> {
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

    fn open_file(&self, name: &str) -> Result<File, Refusal> {
        let mut options = OpenOptions::new();
        // A FIFO would be waited for.
        options.read(true).custom_flags(libc::O_NONBLOCK);
        let opened = match self.dir.open_with(name, &options) {
            Err(error) if is_escape(&error) => self.dir.open_with(self.inside(name)?, &options),
            other => other,
        };
        let file = opened.map_err(|error| self.refusal(name, error))?.into_std();
        let kind = file.metadata().map_err(Refusal::Io)?.file_type();
        match kind {
            kind if kind.is_file() => Ok(file),
            kind if kind.is_dir() => Err(Refusal::NotAFile("a directory")),
            _ => Err(Refusal::NotAFile("a FIFO, a socket or a device")),
        }
    }

    /// Where a name leads that seems to lead out: an absolute link may point to a place in the directory all the same.
    fn inside(&self, name: &str) -> Result<PathBuf, Refusal> {
        let place = self.path.join(name).canonicalize().map_err(|_| Refusal::LeadsOut)?;
        place.strip_prefix(&self.path).map(Path::to_path_buf).map_err(|_| Refusal::LeadsOut)
    }

    fn refusal(&self, name: &str, error: io::Error) -> Refusal {
        let is_link = || self.dir.symlink_metadata(name).is_ok_and(|data| data.is_symlink());
        match error.raw_os_error() {
            _ if is_escape(&error) => Refusal::LeadsOut,
            // What opening a socket says.
            Some(libc::ENXIO) => Refusal::NotAFile("a FIFO, a socket or a device"),
            Some(libc::ENOENT | libc::ELOOP) if is_link() => {
                Refusal::NotAFile("a link that leads nowhere")
            }
            _ => Refusal::Io(error),
        }
    }

    /// Free space on its disk for this user, in bytes.
    pub(crate) fn free_space(&self) -> io::Result<u64> {
        let space = rustix::fs::fstatvfs(&self.dir)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// The MD5 digest of a regular file, which is how Blob Storage knows a content.
    pub(crate) fn digest(&self, name: &str) -> io::Result<[u8; 16]> {
        let (mut file, mut digest) = (self.open_file(name)?, Md5::new());
        io::copy(&mut file, &mut digest)?;
        Ok(digest.finalize().into())
    }

    /// Sets the permissions of a regular file. Its owner can always read and write it.
    pub(crate) fn set_mode(&self, name: &str, mode: u32) -> io::Result<()> {
        self.open_file(name)?.set_permissions(permissions(mode))
    }

    /// Makes a directory, unless it is there.
    pub(crate) fn make_dir(&self, name: &str) -> Result<(), Refusal> {
        self.make_dirs(Path::new(name)).map_err(|error| self.refusal(name, error))
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        // A link that leads out is only said to exist.
        self.dir.create_dir_all(path).or_else(|_| self.dir.read_dir(path).map(drop))
    }

    /// A new file that takes the place of `name` once it is complete. Missing directories are made.
    pub(crate) fn create(self: &Arc<Self>, name: &str) -> Result<NewFile, Refusal> {
        let refusal = |error| self.refusal(name, error);
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
    pub(crate) file: File,
}

/// Of a file that its owner can read and write.
fn permissions(mode: u32) -> Permissions {
    Permissions::from_mode(mode & 0o777 | 0o600)
}

impl NewFile {
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_permissions(permissions(mode))
    }

    pub(crate) fn persist(&self) -> io::Result<()> {
        let dir = &self.working_dir.dir;
        dir.rename(&self.temporary, dir, &self.name)
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

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::LeadsOut => Self::other("it leads out of the working directory"),
            Refusal::NotAFile(kind) => Self::other(format!("it is {kind}")),
            Refusal::Io(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
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
            let refusal = lab.working_dir.size(name).unwrap_err();
            assert!(matches!(refusal, Refusal::LeadsOut), "{name}: {refusal:?}");
            assert!(lab.working_dir.read(name, 0, 1).is_err(), "{name}");
        }
        let outside = secret.to_str().unwrap();
        assert!(matches!(lab.working_dir.size(outside), Err(Refusal::LeadsOut)));
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
            assert_eq!(lab.working_dir.size(name).unwrap(), 10, "{name}");
            assert_eq!(lab.working_dir.read(name, 3, 4).unwrap(), b"3456", "{name}");
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
        lab.link("loop", "loop");
        for name in ["fifo", "socket", "directory", "to-fifo", "dangling", "loop"] {
            let refusal = lab.working_dir.size(name).unwrap_err();
            assert!(matches!(refusal, Refusal::NotAFile(_)), "{name}: {refusal:?}");
        }
        assert!(matches!(lab.working_dir.size("nothing"), Err(Refusal::Io(_))));
    }

    #[test]
    fn a_file_that_shrinks_is_an_error() {
        let lab = lab();
        assert!(lab.working_dir.read("file", 5, 6).is_err());
    }

    #[test]
    fn a_new_file_appears_whole_or_not_at_all_and_never_outside() {
        let lab = lab();
        let write = |name: &str| -> io::Result<()> {
            let new = lab.working_dir.create(name)?;
            (&new.file).write_all(b"new")?;
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
