//! Finds the files of an output file pattern and their blob names.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::node::directory::TaskDirectory;
use crate::node::pattern::Pattern;
use crate::node::tree::Tree;
use crate::settings::WildcardBase;

/// A match of a pattern.
pub(super) enum Match {
    Upload(Upload),
    /// A file that is not uploaded, and why.
    Skipped(PathBuf, String),
}

/// A file, relative to the task's directory, and its blob name.
pub(super) struct Upload {
    pub(super) file: PathBuf,
    pub(super) blob: String,
}

/// The most bytes of an expanded pattern. A single variable may have a million.
const LONGEST_PATTERN: usize = 65_536;

/// Expands `$NAME` in a pattern with the task's variables; unknown ones stay. Returns `None` if the
/// result is too long.
pub(super) fn expand(pattern: &str, environment: &BTreeMap<String, String>) -> Option<String> {
    let mut parts = pattern.split('$');
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        match environment.get(&part[..end]) {
            Some(value) => expanded.extend([value.as_str(), &part[end..]]),
            None => expanded.extend(["$", part]),
        }
        if expanded.len() > LONGEST_PATTERN {
            return None;
        }
    }
    Some(expanded)
}

/// Returns the pattern relative to the task's directory: `*.txt` becomes `wd/*.txt`,
/// `../stdout.txt` becomes `stdout.txt`. `None` if it leaves that directory.
pub(super) fn inside_task(pattern: &str, directory: &TaskDirectory) -> Option<String> {
    let inside = format!("{}/", directory.inside().display());
    let relative = match pattern.strip_prefix(&inside) {
        Some(rest) => rest.to_owned(),
        None if pattern.starts_with('/') => return None,
        None => format!("wd/{pattern}"),
    };
    let mut names = Vec::new();
    for name in relative.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// Returns the files that match a pattern, with their blob names. This reads directories, which may
/// be large.
pub(super) fn matches(
    pattern: &Pattern,
    tree: &Tree,
    path: Option<&str>,
    base: WildcardBase,
) -> Vec<Match> {
    match pattern.literal() {
        Some(relative) => {
            let name = sub_path(&relative, pattern, base).to_owned();
            let blob = path.map_or(name, str::to_owned);
            inspect(tree, PathBuf::from(relative), blob).into_iter().collect()
        }
        None => {
            let all = tree.walk(usize::MAX).map(|file| (file.to_string_lossy().into_owned(), file));
            let matching = all.filter(|(name, _)| pattern.matches(name));
            matching
                .filter_map(|(name, file)| {
                    let blob = blob_name(sub_path(&name, pattern, base), path);
                    inspect(tree, file, blob)
                })
                .collect()
        }
    }
}

/// Returns whether the file at a path is uploaded; `None` for a directory or if nothing is there.
fn inspect(tree: &Tree, file: PathBuf, blob: String) -> Option<Match> {
    let skipped = |file, reason: &str| Some(Match::Skipped(file, reason.to_owned()));
    match tree.metadata(&file) {
        Ok(found) if found.is_dir() => None,
        Ok(found) if !found.is_file() => skipped(file, "it is not a regular file"),
        Ok(_) if file.to_str().is_none() => skipped(file, "its name is not UTF-8"),
        Ok(_) => Some(Match::Upload(Upload { file, blob })),
        Err(_) if tree.is_link(&file) => {
            skipped(file, "it is a broken link, or one that leads out of the task's directory")
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Match::Skipped(file, error.to_string())),
    }
}

/// Returns the part of a file's path that its blob's name keeps. For files outside `wd` it always begins
/// after the pattern's fixed directories.
fn sub_path<'a>(relative: &'a str, pattern: &Pattern, base: WildcardBase) -> &'a str {
    match base {
        WildcardBase::WorkingDirectory if relative.starts_with("wd/") => {
            without_base(relative, "wd")
        }
        _ => without_base(relative, &pattern.fixed_directory()),
    }
}

/// Returns the blob name of a wildcard match: `path` is a directory, to which the kept part is
/// appended.
fn blob_name(kept: &str, path: Option<&str>) -> String {
    match path.map(|path| path.trim_end_matches('/')).filter(|path| !path.is_empty()) {
        Some(path) => format!("{path}/{kept}"),
        None => kept.to_owned(),
    }
}

fn without_base<'a>(path: &'a str, base: &str) -> &'a str {
    path.strip_prefix(base).map_or(path, |rest| rest.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_make_a_pattern_no_longer_than_a_path_can_be() {
        let environment = [("A".to_owned(), "a".repeat(LONGEST_PATTERN / 2))].into();
        let longest = expand("$A$A", &environment).map(|pattern| pattern.len());
        assert_eq!(longest, Some(LONGEST_PATTERN));
        assert_eq!(expand(&"$A".repeat(16_000), &environment), None);
    }
}
