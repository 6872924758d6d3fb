//! Files to be moved. They are gone with their directory.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use rand::RngCore;
use tempfile::TempDir;

pub(crate) const SMALL: u64 = 4 * 1024;
const CHUNK: usize = 1 << 20;

/// Files `in/0`, `in/1` and so on, all of one size.
pub(crate) struct Files {
    directory: TempDir,
    pub(crate) count: usize,
    pub(crate) size: u64,
}

impl Files {
    /// Of random bytes, so that nobody gains by leaving some out.
    pub(crate) fn new(count: usize, size: u64) -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap(), count, size };
        fs::create_dir_all(files.inputs()).unwrap();
        files.clear();
        files.paths().iter().for_each(|path| write(path, size));
        files
    }

    /// The working directory of a task.
    pub(crate) fn working_dir(&self) -> PathBuf {
        self.directory.path().join("task")
    }

    pub(crate) fn inputs(&self) -> PathBuf {
        self.working_dir().join("in")
    }

    /// Where others bring files back to.
    pub(crate) fn back(&self) -> PathBuf {
        self.directory.path().join("back")
    }

    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        (0..self.count).map(|n| self.inputs().join(n.to_string())).collect()
    }

    /// Removes what was brought back, so that it does not go in with the next run.
    pub(crate) fn clear(&self) {
        let _ = fs::remove_dir_all(self.working_dir().join("out"));
        let _ = fs::remove_dir_all(self.back());
        fs::create_dir(self.back()).unwrap();
    }
}

/// Small ones.
pub(crate) fn many(count: usize) -> Files {
    Files::new(count, SMALL)
}

fn write(path: &PathBuf, size: u64) {
    let mut file = File::create(path).unwrap();
    let mut chunk = vec![0; CHUNK.min(size as usize)];
    rand::rng().fill_bytes(&mut chunk);
    let mut left = size;
    while left > 0 {
        let part = left.min(chunk.len() as u64);
        // Each chunk is another one.
        chunk[..8].copy_from_slice(&left.to_le_bytes());
        file.write_all(&chunk[..part as usize]).unwrap();
        left -= part;
    }
}
