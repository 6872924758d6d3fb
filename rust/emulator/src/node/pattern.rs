//! The file patterns of output files.
//!
//! `*` and `?` stay in a directory, `**` crosses directories, `[abc]`, `[a-c]` and `[!abc]` match
//! one character, `[*]` escapes. A leading dot is only matched by a dot.
//! [OutputFile](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task#outputfile)

/// A pattern, directory by directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Segment>);

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    /// `**`: any number of directories.
    Directories,
    Name(Vec<Token>),
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    Any,
    Many,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Pattern {
        let segments = text.split('/').filter(|part| !part.is_empty());
        Pattern(segments.map(segment).collect())
    }

    /// The path itself, if there is no wildcard in it.
    pub(crate) fn literal(&self) -> Option<String> {
        let names: Option<Vec<String>> = self.0.iter().map(Segment::literal).collect();
        names.map(|names| names.join("/"))
    }

    /// The directories before the first wildcard.
    pub(crate) fn fixed_directory(&self) -> String {
        let directories = self.0.split_last().map_or(&[][..], |(_, before)| before);
        let fixed: Vec<String> = directories.iter().map_while(Segment::literal).collect();
        fixed.join("/")
    }

    /// Whether a path of `/`-separated names matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        matches_path(&self.0, &path.split('/').collect::<Vec<_>>())
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
    while let Some(next) = rest.chars().next() {
        let (token, length) = match next {
            '*' => (Token::Many, 1),
            '?' => (Token::Any, 1),
            '[' => class(rest).unwrap_or((Token::Literal('['), 1)),
            literal => (Token::Literal(literal), literal.len_utf8()),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    Segment::Name(tokens)
}

/// The class that the text begins with and its length; `None` if it is not closed.
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

fn ranges(members: &[char]) -> Vec<(char, char)> {
    match members {
        [from, '-', to, rest @ ..] => [vec![(*from, *to)], ranges(rest)].concat(),
        [one, rest @ ..] => [vec![(*one, *one)], ranges(rest)].concat(),
        [] => Vec::new(),
    }
}

fn matches_path(pattern: &[Segment], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        ([Segment::Directories], rest) => {
            !rest.is_empty() && rest.iter().all(|name| !name.starts_with('.'))
        }
        ([Segment::Directories, rest @ ..], _) => {
            matches_path(rest, path)
                || path.split_first().is_some_and(|(first, path)| {
                    !first.starts_with('.') && matches_path(pattern, path)
                })
        }
        ([Segment::Name(tokens), rest @ ..], [name, path @ ..]) => {
            matches_name(tokens, name) && matches_path(rest, path)
        }
        _ => false,
    }
}

fn matches_name(tokens: &[Token], name: &str) -> bool {
    let hidden = name.starts_with('.') && tokens.first() != Some(&Token::Literal('.'));
    !hidden && matches_tokens(tokens, &name.chars().collect::<Vec<_>>())
}

fn matches_tokens(tokens: &[Token], name: &[char]) -> bool {
    match (tokens, name) {
        ([], []) => true,
        ([Token::Many, rest @ ..], _) => {
            matches_tokens(rest, name) || (!name.is_empty() && matches_tokens(tokens, &name[1..]))
        }
        ([token, rest @ ..], [next, name @ ..]) => {
            matches_token(token, *next) && matches_tokens(rest, name)
        }
        _ => false,
    }
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
