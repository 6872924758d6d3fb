//! A bound on the length of a flow's patterns. They grow with every group and wildcard when they are written out, and no
//! flow may fill a worker's memory with them.

use crate::Invalid;
use crate::submit::MAX_LIST_CHARS;

/// For names with their groups written out. Where all files come back, as many are expected by name.
const WRITTEN_OUT: usize = 1024 * 1024;

/// What an entry of a list costs beside its text, at least.
const PER_ENTRY: usize = 64;

/// Most characters of a pattern that an error quotes.
const QUOTED: usize = 80;

/// What is left, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    most: usize,
    left: usize,
}

impl Budget {
    pub(super) const fn for_names() -> Self {
        Self { most: WRITTEN_OUT, left: WRITTEN_OUT }
    }

    /// For what a task brings back: Batch would refuse a longer list.
    pub(super) const fn for_batch() -> Self {
        Self { most: MAX_LIST_CHARS, left: MAX_LIST_CHARS }
    }

    /// What is left beside so many more entries of together so many bytes.
    ///
    /// # Errors
    /// They do not fit.
    pub(super) fn without(self, count: usize, bytes: usize, glob: &str) -> Result<Self, Invalid> {
        let Self { most, left } = self;
        let cost = count.saturating_mul(PER_ENTRY).saturating_add(bytes);
        let left = left.checked_sub(cost).ok_or_else(|| {
            let glob = quoted(glob);
            let reason = format!(
                "with {glob} the patterns become longer than {most} characters once their groups are written out; \
                 use fewer, wider patterns or {{{{ outputDir }}}}"
            );
            Invalid::new("outputFiles", reason)
        })?;
        Ok(Self { left, ..self })
    }
}

/// A glob in quotes, or its beginning.
pub(super) fn quoted(glob: &str) -> String {
    match glob.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("'{}…' ({} characters)", &glob[..end], glob.chars().count()),
        None => format!("'{glob}'"),
    }
}
