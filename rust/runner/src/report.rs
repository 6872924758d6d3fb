//! What the staged script reported of the working directory after the command: see [`crate::command`].

use std::collections::HashMap;

use azure::blob::{BlobContainer, BlobItem};

use crate::command::{DIRECTORIES, MODES, MOVED, USUAL_MODE};

/// Most bytes of a part of a report; a longer one is ignored.
const MAX_PART: u64 = 16 * 1024 * 1024;

/// Bytes that are read at once.
const PIECE: u64 = 1024 * 1024;

/// Paths are relative to the container's working directory. A task that was ended from outside, or in an image without
/// the tools, has no report, or a part of one.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Those that differ from the usual one.
    modes: HashMap<String, u32>,
    /// The paths and modes of files that had to be moved, by their names in the report.
    moved: HashMap<String, (String, Option<u32>)>,
    /// Reported only where the whole working directory comes back, and then there is one at least.
    pub(crate) directories: Vec<String>,
}

impl Report {
    /// Reads a part of the report; or for the blob of a file that was moved, returns its path and its mode. The blobs
    /// have to come in the order of a list.
    pub(crate) async fn read(
        &mut self,
        container: &BlobContainer,
        blob: &BlobItem,
    ) -> azure::Result<Option<(String, Option<u32>)>> {
        match file(blob) {
            DIRECTORIES => self.directories = directories(&text(container, blob).await?),
            MODES => self.modes = modes(&text(container, blob).await?),
            MOVED => self.moved = entries(&text(container, blob).await?),
            file => return Ok(self.moved.remove(file)),
        }
        Ok(None)
    }

    /// The mode of a file, if it is known.
    pub(crate) fn mode(&self, name: &str) -> Option<u32> {
        let usual = (!self.directories.is_empty()).then_some(USUAL_MODE);
        self.modes.get(name).copied().or(usual)
    }
}

/// The name of a file in the report.
fn file(blob: &BlobItem) -> &str {
    blob.name.rsplit('/').next().unwrap_or_default()
}

/// Nothing for a text that is too long.
async fn text(container: &BlobContainer, blob: &BlobItem) -> azure::Result<String> {
    let mut text = Vec::new();
    if blob.size > MAX_PART {
        return Ok(String::new());
    }
    while let Some(piece) = container.get_range(&blob.name, text.len() as u64, PIECE).await? {
        text.extend_from_slice(&piece);
        if (piece.len() as u64) < PIECE || text.len() as u64 > MAX_PART {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Lines such as `755 ./a/b`.
fn modes(text: &str) -> HashMap<String, u32> {
    text.lines().filter_map(mode_and_path).filter_map(|(mode, path)| Some((path, mode?))).collect()
}

/// `1-1 644 ./a/b`, each with a NUL at its end; by the first part, the file's name in the report.
fn entries(text: &str) -> HashMap<String, (String, Option<u32>)> {
    let entry = |entry: &str| {
        let (id, rest) = entry.split_once(' ')?;
        let (mode, path) = mode_and_path(rest)?;
        Some((id.to_owned(), (path, mode)))
    };
    text.split('\0').filter_map(entry).collect()
}

fn mode_and_path(text: &str) -> Option<(Option<u32>, String)> {
    let (mode, name) = text.split_once(' ')?;
    Some((u32::from_str_radix(mode, 8).ok(), path(name)?))
}

/// `.` is one of them.
fn directories(text: &str) -> Vec<String> {
    let found = text.split('\0').filter(|found| !found.is_empty());
    found.map(|found| path(found).unwrap_or_else(|| ".".to_owned())).collect()
}

/// `find` writes `./a` for `a`.
fn path(found: &str) -> Option<String> {
    found.strip_prefix("./").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_writes_is_understood_and_anything_else_is_ignored() {
        let modes = modes("755 ./a b/c\n600 ./x\n\nnonsense\n12 no path\n");
        assert_eq!(modes, [("a b/c".to_owned(), 0o755), ("x".to_owned(), 0o600)].into());
        let moved = entries("7-1 644 ./a\nb\u{0}7-2  ./c\\d\0junk\u{0}7-3 9 ./e\0");
        assert_eq!(moved["7-1"], ("a\nb".to_owned(), Some(0o644)));
        assert_eq!(moved["7-3"], ("e".to_owned(), None));
        assert_eq!(moved.len(), 3, "{moved:?}");
    }
}
