//! The file patterns of output files.
//!
//! `*` and `?` match within a directory, `**` matches any directories, `[abc]`, `[a-c]` and
//! `[!abc]` match one character, `[*]` escapes. A leading dot is only matched by a dot.
//! [OutputFile](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task#outputfile)

use std::collections::BTreeSet;

#[cfg(test)]
mod properties;

/// A pattern, split at its slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// `**`: any number of directories.
    Directories,
    Name(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    Any,
    Many,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Pattern {
        let segments = text.split('/').filter(|part| !part.is_empty());
        let mut segments: Vec<Segment> = segments.map(segment).collect();
        let repeats = |segment: &Segment| *segment == Segment::Directories;
        segments.dedup_by(|one, other| repeats(one) && repeats(other));
        if segments.last() == Some(&Segment::Directories) {
            // A pattern that ends with `**` matches the files in these directories.
            segments.push(Segment::Name(vec![Token::Many]));
        }
        Pattern(segments)
    }

    /// Returns the path itself, if the pattern has no wildcard.
    pub(crate) fn literal(&self) -> Option<String> {
        let names: Option<Vec<String>> = self.0.iter().map(Segment::literal).collect();
        names.map(|names| names.join("/"))
    }

    /// Returns the directories before the first wildcard.
    pub(crate) fn fixed_directory(&self) -> String {
        let directories = self.0.split_last().map_or(&[][..], |(_, before)| before);
        let fixed: Vec<String> = directories.iter().map_while(Segment::literal).collect();
        fixed.join("/")
    }

    /// Returns whether a path matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        let repeats = |segment: &Segment| *segment == Segment::Directories;
        all_match(&self.0, &names, repeats, |segment, name| matches_name(segment, name))
    }
}

impl Segment {
    fn literal(&self) -> Option<String> {
        let Segment::Name(tokens) = self else { return None };
        tokens
            .iter()
            .map(|token| match token {
                Token::Literal(literal) => Some(*literal),
                _ => None,
            })
            .collect()
    }
}

fn segment(text: &str) -> Segment {
    if text == "**" {
        return Segment::Directories;
    }
    let mut tokens = Vec::new();
    let mut rest = text;
    // If one class is not closed, no later one is: they need not be searched.
    let mut has_classes = true;
    while let Some(next) = rest.chars().next() {
        let class = if next == '[' && has_classes { class(rest) } else { None };
        has_classes &= next != '[' || class.is_some();
        let (token, length) = class.unwrap_or(match next {
            '*' => (Token::Many, 1),
            '?' => (Token::Any, 1),
            literal => (Token::Literal(literal), literal.len_utf8()),
        });
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens.dedup_by(|one, other| *one == Token::Many && *other == Token::Many);
    Segment::Name(tokens)
}

/// Parses the class at the beginning of the text and returns it with its length; `None` if it is
/// not closed.
fn class(text: &str) -> Option<(Token, usize)> {
    let inner = text.strip_prefix('[')?;
    let (negated, inner) = match inner.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, inner),
    };
    let start = text.len() - inner.len();
    // A bracket right at the start is a member, as in `[]]`.
    let end = inner.char_indices().skip(1).find(|(_, next)| *next == ']')?.0;
    let members: Vec<char> = inner[..end].chars().collect();
    let token = match (negated, members.as_slice()) {
        (false, [one]) => Token::Literal(*one),
        _ => Token::Class { negated, ranges: ranges(&members) },
    };
    Some((token, start + end + 1))
}

fn ranges(mut members: &[char]) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    loop {
        let (range, rest) = match members {
            [from, '-', to, rest @ ..] => ((*from, *to), rest),
            [one, rest @ ..] => ((*one, *one), rest),
            [] => return ranges,
        };
        ranges.push(range);
        members = rest;
    }
}

/// Returns whether the parts match all items, in order. A part matches one item, or any number if
/// it repeats. No two repeating parts are adjacent. The time is proportional to the parts plus the
/// square of the items, whatever the pattern: names are short, patterns may be long.
fn all_match<P, I>(
    parts: &[P],
    items: &[I],
    repeats: impl Fn(&P) -> bool,
    matches: impl Fn(&P, &I) -> bool,
) -> bool {
    if parts.iter().filter(|part| !repeats(part)).count() > items.len() {
        return false;
    }
    // The positions in the parts that are reachable after the items so far.
    let mut reached = skip_repeating(BTreeSet::from([0]), parts, &repeats);
    for item in items {
        let matching =
            reached.into_iter().filter(|at| parts.get(*at).is_some_and(|part| matches(part, item)));
        let next = matching.map(|at| if repeats(&parts[at]) { at } else { at + 1 });
        reached = skip_repeating(next.collect(), parts, &repeats);
    }
    reached.contains(&parts.len())
}

/// A repeating part may also match no item.
fn skip_repeating<P>(
    mut reached: BTreeSet<usize>,
    parts: &[P],
    repeats: impl Fn(&P) -> bool,
) -> BTreeSet<usize> {
    for (at, part) in parts.iter().enumerate() {
        if repeats(part) && reached.contains(&at) {
            reached.insert(at + 1);
        }
    }
    reached
}

fn matches_name(segment: &Segment, name: &str) -> bool {
    let hidden = name.starts_with('.');
    let Segment::Name(tokens) = segment else { return !hidden };
    if hidden && tokens.first() != Some(&Token::Literal('.')) {
        return false;
    }
    let chars: Vec<char> = name.chars().collect();
    all_match(
        tokens,
        &chars,
        |token| *token == Token::Many,
        |token, next| matches_token(token, *next),
    )
}

fn matches_token(token: &Token, next: char) -> bool {
    match token {
        Token::Literal(literal) => *literal == next,
        Token::Any | Token::Many => true,
        Token::Class { negated, ranges } => {
            ranges.iter().any(|(from, to)| (*from..=*to).contains(&next)) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_documented() {
        let cases = [
            ("a.txt", "a.txt", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "d/a.txt", false),
            ("**/*.txt", "a.txt", true),
            ("**/*.txt", "d/e/a.txt", true),
            ("d/**", "d/e/a", true),
            ("d/**", "e/a", false),
            ("**/*", ".a", false),
            ("**/*", ".d/a", false),
            ("*.gif", ".a.gif", false),
            (".*.gif", ".a.gif", true),
            ("**/.*", "d/.a", true),
            ("?.txt", "é.txt", true),
            ("?.txt", "ab.txt", false),
            ("[abc].txt", "b.txt", true),
            ("[a-c]1", "b1", true),
            ("[!abc]1", "b1", false),
            ("[!abc]1", "d1", true),
            ("abc[*]", "abc*", true),
            ("abc[*]", "abcd", false),
            ("a*b*c", "aXbYbc", true),
            ("out/*", "out/x/y", false),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(Pattern::new(pattern).matches(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn many_wildcards_are_matched_quickly() {
        for pattern in ["*", "*a", "**/", "*/", "?", "[ab]"].map(|one| one.repeat(30_000)) {
            let (pattern, name) = (Pattern::new(&format!("{pattern}b")), "a".repeat(255));
            assert!((0..100).all(|_| !pattern.matches(&name)));
        }
        let name = "a".repeat(200);
        assert!(!Pattern::new(&"*a".repeat(60)).matches(&format!("{name}b")));
        let path = "d/".repeat(200);
        assert!(!Pattern::new(&"**/d/".repeat(40)).matches(&format!("{path}b")));
    }

    #[test]
    fn a_class_may_be_as_long_as_a_pattern() {
        let members = "bc-e".repeat(7_500);
        let pattern = Pattern::new(&format!("[{members}]*"));
        assert!(pattern.matches("dx") && !pattern.matches("ax"));
        let unclosed = "[".repeat(30_000);
        assert_eq!(Pattern::new(&unclosed).literal(), Some(unclosed));
    }

    #[test]
    fn an_escaped_name_is_no_wildcard() {
        assert_eq!(Pattern::new("d/a[*].[?]").literal().as_deref(), Some("d/a*.?"));
        assert_eq!(Pattern::new("d/*").literal(), None);
        assert_eq!(Pattern::new("[unclosed").literal().as_deref(), Some("[unclosed"));
    }

    #[test]
    fn the_fixed_directory_ends_before_the_first_wildcard() {
        let cases = [("a/b/*.txt", "a/b"), ("a/*/b/c", "a"), ("*", ""), ("a", ""), ("a/**", "a")];
        for (pattern, directory) in cases {
            assert_eq!(Pattern::new(pattern).fixed_directory(), directory, "{pattern}");
        }
    }
}
