//! Which files an output file means, and which blobs they become.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::node::directory::{TaskDirectory, real_inside};
use crate::node::pattern::Pattern;
use crate::settings::WildcardBase;

/// A file and its blob.
pub(super) struct Upload {
    pub(super) file: PathBuf,
    pub(super) blob: String,
}

/// The bytes of a pattern whose variables are replaced; a variable may have a million.
const LONGEST_PATTERN: usize = 65_536;

/// The pattern with `$NAME` replaced by the task's variables; unknown ones stay. `None` if it
/// becomes longer than any path.
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

/// The pattern relative to the task's directory: `*.txt` becomes `wd/*.txt`, `../stdout.txt`
/// becomes `stdout.txt`. `None` if it leaves that directory.
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

/// The files that a pattern means and the blobs they become.
pub(super) fn uploads(
    pattern: &Pattern,
    directory: &TaskDirectory,
    path: Option<&str>,
    base: WildcardBase,
) -> Vec<Upload> {
    match pattern.literal() {
        Some(relative) => {
            let file = directory.host.join(&relative);
            let name = without_base(&relative, "wd").rsplit_once("../").map_or_else(
                || without_base(&relative, "wd").to_owned(),
                |(_, name)| name.to_owned(),
            );
            let blob = path.map_or(name, str::to_owned);
            is_own_file(&directory.host, &file)
                .then_some(Upload { file, blob })
                .into_iter()
                .collect()
        }
        None => matching(pattern, &directory.host)
            .map(|relative| Upload {
                file: directory.host.join(&relative),
                blob: blob_name(sub_path(&relative, pattern, base), path),
            })
            .collect(),
    }
}

fn matching<'a>(pattern: &'a Pattern, root: &'a Path) -> impl Iterator<Item = String> + 'a {
    let entries = WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter().flatten();
    entries.filter(|entry| is_own_file(root, entry.path())).filter_map(move |entry| {
        let relative = entry.path().strip_prefix(root).ok()?.to_str()?.to_owned();
        pattern.matches(&relative).then_some(relative)
    })
}

/// A link may lead to a file of this machine that the task itself cannot see.
fn is_own_file(root: &Path, file: &Path) -> bool {
    real_inside(root, file).is_some_and(|real| real.is_file())
}

/// What a wildcard keeps of a file's path. Of files beside `wd` it always begins after the
/// pattern's fixed directories.
fn sub_path<'a>(relative: &'a str, pattern: &Pattern, base: WildcardBase) -> &'a str {
    match base {
        WildcardBase::WorkingDirectory if relative.starts_with("wd/") => {
            without_base(relative, "wd")
        }
        _ => without_base(relative, &pattern.fixed_directory()),
    }
}

/// With a wildcard `path` is a directory, in which the sub-path is kept.
fn blob_name(kept: &str, path: Option<&str>) -> String {
    match path.map(|path| path.trim_end_matches('/')).filter(|path| !path.is_empty()) {
        Some(path) => format!("{path}/{kept}"),
        None => kept.to_owned(),
    }
}

fn without_base<'a>(path: &'a str, base: &str) -> &'a str {
    path.strip_prefix(base).map_or(path, |rest| rest.trim_start_matches('/'))
}
