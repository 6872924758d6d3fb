//! What Unix has of its own: modes, inodes, and names that are bytes.

use std::ffi::OsStr;
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

/// Errors of following a link that leads nowhere.
pub(super) const NOWHERE: [i32; 4] = [libc::ENOENT, libc::ELOOP, libc::ENOTDIR, libc::ENAMETOOLONG];

/// Bits of a file's mode that travel.
const PERMISSIONS: u32 = 0o777;

/// Device and inode.
pub(super) type Identity = (u64, u64);

/// Takes any directory for the working directory.
pub(super) fn check_root(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Takes any name.
pub(super) fn check_name(_name: &Path) -> io::Result<()> {
    Ok(())
}

/// How to open what may be anything.
pub(super) fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    // A FIFO would be waited for.
    options.read(true).custom_flags(libc::O_NONBLOCK);
    options
}

/// What opening a socket says.
pub(super) fn is_special(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENXIO)
}

/// Free space for this user, in bytes.
pub(super) fn free_space(dir: &Dir) -> io::Result<Option<u64>> {
    let space = rustix::fs::fstatvfs(dir)?;
    Ok(Some(space.f_bavail.saturating_mul(space.f_frsize)))
}

/// Sets permissions, but the owner can always read and write.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode & PERMISSIONS | 0o600))
}

/// Permission bits.
pub(super) fn mode(data: &Metadata) -> u32 {
    data.mode() & PERMISSIONS
}

/// Which file or directory this is, whatever path led to it.
pub(super) fn identity(data: &Metadata, _path: impl FnOnce() -> PathBuf) -> io::Result<Identity> {
    Ok((data.dev(), data.ino()))
}

/// The path of what is in a directory.
pub(super) fn child(directory: &Path, name: &OsStr) -> io::Result<PathBuf> {
    Ok(directory.join(name))
}

pub(super) fn write_at(file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
    file.write_all_at(bytes, position)
}

/// Gives a complete file its name; whatever had it is replaced.
pub(super) fn put(dir: &Dir, _root: &Path, temporary: &Path, name: &Path) -> io::Result<()> {
    dir.rename(temporary, dir, name)
}
