//! Java's globs, as the JDK's `FileSystem.getPathMatcher` understands them:
//! <https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/nio/file/FileSystem.html#getPathMatcher(java.lang.String)>
//!
//! No crate has the same language: here `**` may stand anywhere and matches no line end, `{a,b}` does not nest, and
//! `^` in brackets is an ordinary character.

/// A part of a glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Literal(char),
    /// `?` or a class in brackets; the text is its regular expression.
    One(String),
    /// Any number of characters of one name.
    Star,
    /// Any number of characters of a path, but no line ends.
    DoubleStar,
    /// One of these.
    Group(Vec<Vec<Token>>),
}

/// The line ends that Java's `.` does not match.
const NO_LINE_END: &str = r"[^\n\r\x{85}\x{2028}\x{2029}]*";
const NO_SLASH: &str = "[^/]";

/// Whether a text stands for itself.
pub(super) fn is_literal(text: &str) -> bool {
    !text.contains(['*', '?', '[', '{', '\\'])
}

/// The parts of a glob. None: Java refuses it, or only Java can tell what it means.
pub(super) fn parse(glob: &str) -> Option<Vec<Token>> {
    let mut reader = Reader { rest: glob };
    let tokens = reader.sequence(false)?;
    Some(tokens)
}

/// A regular expression for whole paths.
pub(super) fn regex(tokens: &[Token]) -> String {
    let mut text = String::from(r"\A");
    push(tokens, &mut text);
    text + r"\z"
}

fn push(tokens: &[Token], text: &mut String) {
    for token in tokens {
        match token {
            Token::Literal(c) => text.push_str(&regex_syntax_free(*c)),
            Token::One(class) => text.push_str(class),
            Token::Star => text.extend([NO_SLASH, "*"]),
            Token::DoubleStar => text.push_str(NO_LINE_END),
            Token::Group(choices) => push_group(choices, text),
        }
    }
}

fn push_group(choices: &[Vec<Token>], text: &mut String) {
    for (n, choice) in choices.iter().enumerate() {
        text.push_str(if n == 0 { "(?:" } else { "|" });
        push(choice, text);
    }
    text.push(')');
}

/// The character itself, whatever it means in a regular expression.
fn regex_syntax_free(c: char) -> String {
    if c.is_ascii_alphanumeric() || c == '/' || !c.is_ascii() {
        c.to_string()
    } else {
        format!(r"\x{:02x}", u32::from(c))
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn takes(&mut self, expected: char) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The tokens up to the end, or in a group up to the `,` or `}` that follows.
    fn sequence(&mut self, in_group: bool) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        while !(in_group && self.rest.starts_with([',', '}'])) {
            let Some(next) = self.next() else {
                // A group has to be closed.
                return (!in_group).then_some(tokens);
            };
            tokens.push(match next {
                '\\' => Token::Literal(self.next()?),
                '*' if self.takes('*') => Token::DoubleStar,
                '*' => Token::Star,
                '?' => Token::One(NO_SLASH.to_owned()),
                '[' => Token::One(self.class()?),
                '{' if in_group => return None,
                '{' => Token::Group(self.group()?),
                literal => Token::Literal(literal),
            });
        }
        Some(tokens)
    }

    fn group(&mut self) -> Option<Vec<Vec<Token>>> {
        let mut choices = vec![self.sequence(true)?];
        while self.takes(',') {
            choices.push(self.sequence(true)?);
        }
        self.takes('}').then_some(choices)
    }

    /// What follows a `[`, up to its `]`. Nothing but `!` at its beginning and `-` means something else there.
    fn class(&mut self) -> Option<String> {
        let (class, rest) = self.rest.split_once(']')?;
        self.rest = rest;
        let (negated, class) = match class.strip_prefix('!') {
            Some(class) => (true, class),
            None => (false, class),
        };
        if class.is_empty() || class.contains('/') {
            return None;
        }
        let ranges = ranges(&class.chars().collect::<Vec<_>>())?;
        let not = if negated { "^" } else { "" };
        Some(format!("[{NO_SLASH}&&[{not}{ranges}]]"))
    }
}

/// The members of a class as ranges of code points. A `-` is itself as the first member, and as the last behind one that
/// is no range.
fn ranges(mut members: &[char]) -> Option<String> {
    let mut text = String::new();
    let mut range = |from: char, to: char| {
        text.push_str(&format!(r"\x{{{:x}}}-\x{{{:x}}}", u32::from(from), u32::from(to)));
    };
    if let ['-', rest @ ..] = members {
        range('-', '-');
        members = rest;
    }
    loop {
        members = match members {
            [] => return Some(text),
            ['-', ..] => return None,
            [one, '-'] => {
                range(*one, *one);
                range('-', '-');
                &[]
            }
            [from, '-', to, rest @ ..] if from <= to => {
                range(*from, *to);
                rest
            }
            [_, '-', _, ..] => return None,
            [one, rest @ ..] => {
                range(*one, *one);
                rest
            }
        };
    }
}
