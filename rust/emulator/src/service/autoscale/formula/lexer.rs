//! Splits a formula into tokens.

use super::{Place, Trouble};

/// The symbols, each before those that it begins with.
const SYMBOLS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "!", "?", ":", ";", ",",
    "(", ")", ".", "%",
];

/// A token, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Number(f64),
    Text(String),
    /// Of a variable, function or constant; that of a variable may begin with a dollar sign.
    Name(String),
    Symbol(&'static str),
    End,
}

/// The rest of a formula.
struct Rest<'a> {
    text: &'a str,
    place: Place,
}

/// Returns the tokens of a formula; the last one is its end.
///
/// # Errors
/// The first character that begins no token.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Trouble> {
    let mut rest = Rest { text, place: Place { line: 1, column: 1 } };
    let mut tokens = Vec::new();
    loop {
        rest.skip_space();
        let place = rest.place;
        let kind = rest.next()?;
        let is_last = kind == Kind::End;
        tokens.push(Token { place, kind });
        if is_last {
            return Ok(tokens);
        }
    }
}

impl<'a> Rest<'a> {
    /// Skips white space and comments.
    fn skip_space(&mut self) {
        loop {
            let before = self.text.len();
            self.take_while(char::is_whitespace);
            if self.text.starts_with("//") {
                self.take_while(|next| next != '\n');
            }
            if self.text.len() == before {
                return;
            }
        }
    }

    fn next(&mut self) -> Result<Kind, Trouble> {
        let Some(first) = self.text.chars().next() else { return Ok(Kind::End) };
        let second = self.text[first.len_utf8()..].chars().next();
        match first {
            '"' => self.quoted(),
            '0'..='9' => self.number(),
            '.' if second.is_some_and(|next| next.is_ascii_digit()) => self.number(),
            '$' | '_' | 'a'..='z' | 'A'..='Z' => {
                let dollar = self.take(usize::from(first == '$'));
                let name = self.take_while(|next| next.is_ascii_alphanumeric() || next == '_');
                Ok(Kind::Name(format!("{dollar}{name}")))
            }
            other => {
                let symbol = SYMBOLS.iter().find(|symbol| self.text.starts_with(**symbol));
                let unknown = || self.place.trouble(format!("unexpected character '{other}'"));
                let symbol = symbol.ok_or_else(unknown)?;
                self.take(symbol.len());
                Ok(Kind::Symbol(symbol))
            }
        }
    }

    fn quoted(&mut self) -> Result<Kind, Trouble> {
        let place = self.place;
        self.take(1);
        let text = self.take_while(|next| next != '"');
        match self.take(1) {
            "" => Err(place.trouble("the string has no end")),
            _ => Ok(Kind::Text(text.to_owned())),
        }
    }

    fn number(&mut self) -> Result<Kind, Trouble> {
        let (place, text) = (self.place, self.text);
        self.take_while(|next| next.is_ascii_digit() || next == '.');
        let has_exponent = self.text.strip_prefix(['e', 'E']).is_some_and(|after| {
            after
                .strip_prefix(['+', '-'])
                .unwrap_or(after)
                .starts_with(|c: char| c.is_ascii_digit())
        });
        if has_exponent {
            self.take(2);
            self.take_while(|next| next.is_ascii_digit());
        }
        let number = &text[..text.len() - self.text.len()];
        let value = number.parse().map_err(|_| place.trouble(format!("{number} is no number")));
        value.map(Kind::Number)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.text.find(|next| !wanted(next)).unwrap_or(self.text.len());
        self.take(end)
    }

    /// Takes this many bytes, or all.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.text.split_at(bytes.min(self.text.len()));
        for next in taken.chars() {
            match next {
                '\n' => self.place = Place { line: self.place.line + 1, column: 1 },
                _ => self.place.column += 1,
            }
        }
        self.text = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_with_their_places() {
        let found = tokens("$a >= 1.5e2; // b\n  \"c d\".x").unwrap();
        let expected = [
            (1, 1, Kind::Name("$a".into())),
            (1, 4, Kind::Symbol(">=")),
            (1, 7, Kind::Number(150.0)),
            (1, 12, Kind::Symbol(";")),
            (2, 3, Kind::Text("c d".into())),
            (2, 8, Kind::Symbol(".")),
            (2, 9, Kind::Name("x".into())),
            (2, 10, Kind::End),
        ];
        let expected =
            expected.map(|(line, column, kind)| Token { place: Place { line, column }, kind });
        assert_eq!(found, expected);
    }

    #[test]
    fn what_begins_no_token_is_named() {
        for (text, error) in [
            ("a = #", "Line 1, Col 5: unexpected character '#'"),
            ("\n \"open", "Line 2, Col 2: the string has no end"),
            ("1.2.3", "Line 1, Col 1: 1.2.3 is no number"),
            ("a & b", "Line 1, Col 3: unexpected character '&'"),
        ] {
            assert_eq!(tokens(text).unwrap_err().to_string(), error);
        }
    }
}
