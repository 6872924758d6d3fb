//! The input files and directories of a run, and how each of them travels.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::names::RunNames;
use crate::working_dir::{Entry, Kind};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod trees;

/// Everything that the task finds in its working directory.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) files: Vec<InputFile>,
    /// Each after the one that it is in.
    pub(crate) directories: Vec<Directory>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InputFile {
    /// Relative to the working directory.
    pub(crate) path: PathBuf,
    /// In bytes.
    pub(crate) size: u64,
    /// Permission bits.
    pub(crate) mode: u32,
    /// Its blob's name is this number, because Blob Storage would not keep its own.
    pub(crate) number: Option<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directory {
    /// Relative to the working directory.
    pub(crate) path: PathBuf,
    /// Permission bits.
    pub(crate) mode: u32,
    /// There is no file in it whose download makes it.
    pub(crate) is_bare: bool,
}

impl InputFile {
    pub(crate) fn blob(&self, names: &RunNames) -> String {
        match self.number {
            Some(number) => names.numbered_input(number),
            None => names.input(&self.path),
        }
    }
}

impl Inputs {
    pub(crate) fn new(entries: Vec<Entry>, names: &RunNames) -> Self {
        let mut inputs = Self::default();
        for Entry { path, mode, kind } in entries {
            match kind {
                Kind::File { size } => {
                    let number = (!names.keeps_input(&path)).then_some(inputs.files.len());
                    inputs.files.push(InputFile { path, size, mode, number });
                }
                Kind::Directory => {
                    inputs.directories.push(Directory { path, mode, is_bare: false });
                }
            }
        }
        inputs.find_bare_directories();
        inputs
    }

    fn find_bare_directories(&mut self) {
        let downloaded = self.files.iter().filter(|file| file.number.is_none());
        let made: HashSet<&Path> = downloaded.flat_map(|file| file.path.ancestors()).collect();
        for directory in &mut self.directories {
            directory.is_bare = !made.contains(&*directory.path);
        }
    }

    /// The mode of the most files, or None if there are no files.
    pub(crate) fn file_mode(&self) -> Option<u32> {
        let mut counts = BTreeMap::new();
        for file in &self.files {
            *counts.entry(file.mode).or_insert(0_usize) += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(mode, _)| mode)
    }
}
