//! Java's globs as patterns of Azure Batch.
//!
//! Java's wildcards match dotfiles; those of Batch want a leading dot to be written. So each name that
//! may begin with a dot is tried both ways, and a glob becomes several patterns.

use super::budget::{Budget, quoted};
use crate::Invalid;

/// The most patterns that one glob may become.
const MAX_PATTERNS: usize = 32;

/// Each `**` makes three patterns of one at least, so more of them are always too many.
const MAX_DOUBLE_STARS: usize = MAX_PATTERNS.ilog(DIRECTORIES.len()) as usize;

/// Any directories, with none, one or two among them that begin with a dot.
const DIRECTORIES: [&str; 3] = ["**", "**/.*/**", "**/.*/**/.*/**"];

/// `a.{x,y}` → `a.x`, `a.y`. Groups do not nest, as in Java's globs.
///
/// # Errors
/// A glob whose groups do not fit the budget.
pub(super) fn without_groups(glob: &str, budget: &mut Budget) -> Result<Vec<String>, Invalid> {
    let parts = split_at_groups(glob);
    let count = parts.iter().fold(1, |count: usize, choices| count.saturating_mul(choices.len()));
    let in_each = |choices: &Vec<&str>| {
        let bytes: usize = choices.iter().map(|choice| choice.len()).sum();
        bytes.saturating_mul(count / choices.len())
    };
    let bytes = parts.iter().map(in_each).fold(0, usize::saturating_add);
    if count > 1 {
        *budget = budget.without(count, bytes, glob)?;
    }
    let mut globs = vec![String::new()];
    for choices in &parts {
        globs = each_with_each(globs, choices, "");
    }
    Ok(globs)
}

/// What stands before, in and behind each group, as the choices that there are.
fn split_at_groups(glob: &str) -> Vec<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = glob;
    while let Some((head, (choices, tail))) =
        rest.split_once('{').and_then(|(head, group)| Some((head, group.split_once('}')?)))
    {
        parts.extend([vec![head], choices.split(',').collect()]);
        rest = tail;
    }
    parts.push(vec![rest]);
    parts
}

/// The Batch patterns for one Java glob without groups. `**/` also stands for no directory, as it does
/// for Batch.
///
/// # Errors
/// A glob of so many wildcards that its patterns are too many.
pub(super) fn batch_patterns(glob: &str, budget: &mut Budget) -> Result<Vec<String>, Invalid> {
    let too_many = || {
        let glob = quoted(glob);
        let reason = format!("{glob} has too many wildcards; name the directories instead");
        Invalid::new("outputFiles", reason)
    };
    let mut parts: Vec<String> = glob.split('/').map(part_for_batch).collect();
    // A last `**` means all files below; with a name of its own the dot can be put before it.
    if parts.last().is_some_and(|last| last == "**") {
        parts.push("*".to_owned());
    }
    if parts.iter().map(|part| part.matches("**").count()).sum::<usize>() > MAX_DOUBLE_STARS {
        return Err(too_many());
    }
    let (mut patterns, mut separator, mut left) = (vec![String::new()], "", *budget);
    for part in &parts {
        let choices =
            choices(part).filter(|choices| choices.len() * patterns.len() <= MAX_PATTERNS);
        patterns = each_with_each(patterns, &choices.ok_or_else(too_many)?, separator);
        separator = "/";
        left = budget.without(patterns.len(), patterns.iter().map(String::len).sum(), glob)?;
    }
    *budget = left;
    Ok(patterns)
}

/// Each start with each end.
fn each_with_each(mut starts: Vec<String>, ends: &[impl AsRef<str>], between: &str) -> Vec<String> {
    if let [end] = ends {
        // In place: copied for each of its parts, a long glob would cost the square of its length.
        starts.iter_mut().for_each(|start| start.extend([between, end.as_ref()]));
        return starts;
    }
    let with_each = |start: &String| -> Vec<String> {
        ends.iter().map(|end| [start, between, end.as_ref()].concat()).collect()
    };
    starts.iter().flat_map(with_each).collect()
}

/// What one part of a glob may be for Batch; None for more than there may be. Java's `**` may stand beside other
/// characters: `a**b` is `a*b`, or some directory `a*` with `*b` anywhere below.
fn choices(part: &str) -> Option<Vec<String>> {
    let below = |tail: &str| {
        let names = choices(&format!("*{tail}"))?;
        Some(each_with_each(DIRECTORIES.map(str::to_owned).into(), &names, "/"))
    };
    let choices = match part.split_once("**") {
        None => names(part),
        Some(("", "")) => DIRECTORIES.map(str::to_owned).into(),
        Some(("", tail)) => below(tail)?,
        Some((head, tail)) => {
            let here = choices(&format!("{head}*{tail}"))?;
            [here, each_with_each(names(&format!("{head}*")), &below(tail)?, "/")].concat()
        }
    };
    (choices.len() <= MAX_PATTERNS).then_some(choices)
}

/// The patterns for a name, whether it begins with a dot or not.
fn names(part: &str) -> Vec<String> {
    let plain = (!part.starts_with('.')).then(|| part.to_owned());
    plain.into_iter().chain(dotted(part)).collect()
}

/// The patterns for the names that begin with a dot.
fn dotted(part: &str) -> Vec<String> {
    let mut chars = part.chars();
    match chars.next() {
        Some('.') => vec![part.to_owned()],
        Some('*') => [vec![format!(".{part}")], dotted(chars.as_str())].concat(),
        Some('?') => vec![format!(".{}", chars.as_str())],
        Some('[') => dot_of_class(chars.as_str()).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// With a dot instead of the class that begins the text, its bracket left out, if it has one.
fn dot_of_class(text: &str) -> Option<String> {
    let (class, rest) = text.split_once(']')?;
    let has_dot = match class.strip_prefix('!') {
        Some(others) => !others.contains('.'),
        None => class.contains('.'),
    };
    has_dot.then(|| format!(".{rest}"))
}

/// `\x` → `[x]`; more than two stars are two.
fn part_for_batch(part: &str) -> String {
    let mut chars = part.chars();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(literal)) => {
                chars.next();
                text.extend(['[', literal, ']']);
            }
            _ if c == '*' && text.ends_with("**") => {}
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_groups(glob: &str) -> Vec<String> {
        super::without_groups(glob, &mut Budget::for_names()).unwrap()
    }

    fn batch_patterns(glob: &str) -> Result<Vec<String>, Invalid> {
        super::batch_patterns(glob, &mut Budget::for_batch())
    }

    #[test]
    fn braces_become_a_pattern_each() {
        assert_eq!(without_groups("{a,b}/x.{c,d}"), ["a/x.c", "a/x.d", "b/x.c", "b/x.d"]);
        assert_eq!(without_groups("a{"), ["a{"]);
        assert_eq!(without_groups("a{b}c}{,d}"), ["abc}", "abc}d"]);
    }

    #[test]
    fn more_double_stars_than_can_be_planned_are_seen_before_they_are() {
        assert!(batch_patterns("a/**/b/**/c/**/d").is_ok_and(|patterns| patterns.len() == 27));
        for glob in ["a/**/b/**/c/**/d/**/e".to_owned(), "a**".repeat(8), "a**b/".repeat(10_000)] {
            let error = batch_patterns(&glob).unwrap_err().to_string();
            assert!(error.contains("has too many wildcards"), "{error}");
            assert!(error.len() < 300, "{error}");
        }
    }

    #[test]
    fn wildcards_find_dotfiles_and_dot_directories_too() {
        let table: [(&str, &[&str]); 8] = [
            ("*.txt", &["*.txt", ".*.txt", ".txt"]),
            ("a/?x", &["a/?x", "a/.x"]),
            ("[ab]x", &["[ab]x"]),
            ("[!ab]x", &["[!ab]x", ".x"]),
            (".config/x", &[".config/x"]),
            ("a\\*b", &["a[*]b"]),
            ("*/x", &["*/x", ".*/x"]),
            (
                "**x",
                &[
                    "**/*x",
                    "**/.*x",
                    "**/.*/**/*x",
                    "**/.*/**/.*x",
                    "**/.*/**/.*/**/*x",
                    "**/.*/**/.*/**/.*x",
                ],
            ),
        ];
        for (glob, patterns) in table {
            assert_eq!(batch_patterns(glob).unwrap(), patterns, "{glob}");
        }
    }

    #[test]
    fn all_below_a_directory_means_dot_directories_in_dot_directories_too() {
        let all =
            ["**/*", "**/.*", "**/.*/**/*", "**/.*/**/.*", "**/.*/**/.*/**/*", "**/.*/**/.*/**/.*"];
        for glob in ["**", "**/*", "***"] {
            assert_eq!(batch_patterns(glob).unwrap(), all, "{glob}");
        }
        assert_eq!(batch_patterns("a/**").unwrap(), all.map(|pattern| format!("a/{pattern}")));
    }

    #[test]
    fn two_stars_within_a_name_are_in_it_or_lead_below() {
        let patterns = batch_patterns("a**b").unwrap();
        assert_eq!(patterns.len(), 7);
        assert_eq!(patterns[..3], ["a*b", "a*/**/*b", "a*/**/.*b"]);
    }
}
