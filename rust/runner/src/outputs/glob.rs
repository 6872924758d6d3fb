//! Java's globs as patterns of Azure Batch.
//!
//! Java's wildcards match dotfiles; those of Batch want a leading dot to be written. So each name that
//! may begin with a dot is tried both ways, and a glob becomes several patterns.

use crate::Invalid;

/// The most patterns that one glob may become.
const MAX_PATTERNS: usize = 32;

/// Any directories, with none, one or two among them that begin with a dot.
const DIRECTORIES: [&str; 3] = ["**", "**/.*/**", "**/.*/**/.*/**"];

/// `a.{x,y}` → `a.x`, `a.y`. Groups do not nest, as in Java's globs.
pub(super) fn without_groups(pattern: &str) -> Vec<String> {
    let group = pattern.split_once('{').and_then(|(head, rest)| {
        let (choices, tail) = rest.split_once('}')?;
        Some((head, choices, tail))
    });
    let Some((head, choices, tail)) = group else { return vec![pattern.to_owned()] };
    choices.split(',').flat_map(|choice| without_groups(&format!("{head}{choice}{tail}"))).collect()
}

/// The Batch patterns for one Java glob without groups. `**/` also stands for no directory, as it does
/// for Batch.
///
/// # Errors
/// A glob of so many wildcards that its patterns are too many.
pub(super) fn batch_patterns(glob: &str) -> Result<Vec<String>, Invalid> {
    let mut parts: Vec<String> = glob.split('/').map(part_for_batch).collect();
    // A last `**` means all files below; with a name of its own the dot can be put before it.
    if parts.last().is_some_and(|last| last == "**") {
        parts.push("*".to_owned());
    }
    let mut patterns = vec![String::new()];
    for part in &parts {
        patterns = joined(&patterns, &choices(part));
        if patterns.len() > MAX_PATTERNS {
            let reason = format!("'{glob}' has too many wildcards; name the directories instead");
            return Err(Invalid::new("outputFiles", reason));
        }
    }
    Ok(patterns)
}

/// Each start with each choice below it.
fn joined(starts: &[String], choices: &[String]) -> Vec<String> {
    let join = |start: &String, choice: &String| match start.as_str() {
        "" => choice.clone(),
        start => format!("{start}/{choice}"),
    };
    starts.iter().flat_map(|start| choices.iter().map(move |choice| join(start, choice))).collect()
}

/// What one part of a glob may be for Batch. Java's `**` may stand beside other characters: `a**b` is
/// `a*b`, or some directory `a*` with `*b` anywhere below.
fn choices(part: &str) -> Vec<String> {
    let directories = DIRECTORIES.map(str::to_owned);
    match part.split_once("**") {
        None => names(part),
        Some(("", "")) => directories.to_vec(),
        Some(("", tail)) => joined(&directories, &choices(&format!("*{tail}"))),
        Some((head, tail)) => {
            let below = joined(&directories, &choices(&format!("*{tail}")));
            let here = choices(&format!("{head}*{tail}"));
            [here, joined(&names(&format!("{head}*")), &below)].concat()
        }
    }
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

    #[test]
    fn braces_become_a_pattern_each() {
        assert_eq!(without_groups("{a,b}/x.{c,d}"), ["a/x.c", "a/x.d", "b/x.c", "b/x.d"]);
        assert_eq!(without_groups("a{"), ["a{"]);
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
