//! What Windows has of its own: it keeps no modes, and takes fewer names than a node.
//!
//! Links and junctions are followed by cap-std, one part of a path after the other, as on Unix. Directories are listed
//! and made, and files renamed, by the path of a directory that is open, which Windows lets nobody replace meanwhile.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::windows::fs::FileExt;
use std::path::{Component, Path, PathBuf, Prefix};
use std::sync::{Mutex, PoisonError};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

use super::windows_names::objection;

/// Errors of following a link that leads nowhere: no such file, path or name, no directory, too many links.
///
/// [System error codes](https://learn.microsoft.com/windows/win32/debug/system-error-codes)
pub(super) const NOWHERE: [i32; 7] = [2, 3, 123, 206, 267, 1142, 1921];

/// Without it no directory can be opened.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

/// Others may read and write, but neither rename nor delete.
const FILE_SHARE_READ_WRITE: u32 = 0x0003;

/// What files and directories have on a node unless something else is asked for.
const FILE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// A directory has one path without links.
pub(super) type Identity = PathBuf;

/// cap-std goes by the path of an open directory, and has none that is right for a network share.
pub(super) fn check_root(path: &Path) -> io::Result<()> {
    match path.components().next() {
        Some(Component::Prefix(prefix)) if matches!(prefix.kind(), Prefix::VerbatimDisk(_)) => {
            Ok(())
        }
        _ => Err(io::Error::new(
            ErrorKind::Unsupported,
            format!("'{}' is not on a local drive, such as C:", path.display()),
        )),
    }
}

/// Refuses a name that would be another file, a part of one, or a device.
pub(super) fn check_name(name: &Path) -> io::Result<()> {
    let text = name.to_str().ok_or_else(|| not_unicode(name.as_os_str()))?;
    match objection(text) {
        Some(reason) => Err(io::Error::new(ErrorKind::InvalidFilename, reason)),
        None => Ok(()),
    }
}

fn not_unicode(name: &OsStr) -> io::Error {
    let reason = format!("the name '{}' is not valid Unicode", name.display());
    io::Error::new(ErrorKind::InvalidFilename, reason)
}

/// How to open what may be anything.
pub(super) fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).share_mode(FILE_SHARE_READ_WRITE);
    options
}

/// No error tells them from others.
pub(super) fn is_special(_error: &io::Error) -> bool {
    false
}

/// Not known without unsafe code. A disk that is full says so when it is.
pub(super) fn free_space(_dir: &Dir) -> io::Result<Option<u64>> {
    Ok(None)
}

/// There is nothing to set: files here have no modes.
pub(super) fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

pub(super) fn mode(data: &Metadata) -> u32 {
    if data.is_dir() { DIRECTORY_MODE } else { FILE_MODE }
}

/// Which directory this is, whatever path led to it.
pub(super) fn identity(_data: &Metadata, path: impl FnOnce() -> PathBuf) -> io::Result<Identity> {
    path().canonicalize()
}

/// The path of what is in a directory, with `/`: so it is written in blobs' names and in the script.
pub(super) fn child(directory: &Path, name: &OsStr) -> io::Result<PathBuf> {
    let text = name.to_str().ok_or_else(|| not_unicode(name))?;
    let separator = if directory == Path::new("") { "" } else { "/" };
    Ok(PathBuf::from(format!("{}{separator}{text}", directory.display())))
}

pub(super) fn write_at(file: &File, mut bytes: &[u8], mut position: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, position)?;
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        position += written as u64;
    }
    Ok(())
}

/// Gives a complete file its name. What has exactly this name is replaced, but nothing that Windows takes for the same:
/// `A` is not lost for `a`.
pub(super) fn put(dir: &Dir, root: &Path, temporary: &Path, name: &Path) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(other) = namesake(&root.join(name)) {
        let reason = format!("there is '{other}' already, which Windows takes for the same name");
        return Err(io::Error::new(ErrorKind::AlreadyExists, reason));
    }
    dir.rename(temporary, dir, name)
}

/// The name of a file that is found under a path, if it is written in another way there.
fn namesake(path: &Path) -> Option<String> {
    if path.is_symlink() {
        return None;
    }
    let found = path.canonicalize().ok()?;
    let name = found.file_name().filter(|name| Some(*name) != path.file_name())?;
    Some(name.display().to_string())
}
