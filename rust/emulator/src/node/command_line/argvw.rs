//! The rules of
//! [CommandLineToArgvW](https://learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw).
//!
//! Spaces and tabs separate arguments. Before a double quote, 2n backslashes become n, and the
//! quote begins or ends a quoted part; 2n+1 backslashes become n and a literal quote. Other
//! backslashes are literal. Two quotes in a quoted part are a literal quote and end the part. In
//! the program name, the first argument, backslashes are always literal.

/// Returns the arguments of a command line; no line is invalid.
pub(super) fn split(line: &str) -> Vec<String> {
    let line = line.trim_start_matches(is_blank);
    if line.is_empty() {
        return Vec::new();
    }
    let (program, mut rest) = program(line);
    let mut words = vec![program.to_owned()];
    loop {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return words;
        }
        let (word, after) = argument(rest);
        words.push(word);
        rest = after;
    }
}

fn program(line: &str) -> (&str, &str) {
    match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => line.split_at(line.find(is_blank).unwrap_or(line.len())),
    }
}

/// Returns the first argument of the text, and the rest.
fn argument(mut rest: &str) -> (String, &str) {
    let (mut word, mut quoted) = (String::new(), false);
    while let Some(next) = rest.chars().next() {
        if !quoted && is_blank(next) {
            break;
        }
        rest = match next {
            '\\' => backslashes(rest, &mut word),
            '"' => quote(rest, &mut word, &mut quoted),
            plain => {
                word.push(plain);
                &rest[plain.len_utf8()..]
            }
        };
    }
    (word, rest)
}

/// Consumes a sequence of backslashes, and the quote after it if they escape it.
fn backslashes<'a>(text: &'a str, word: &mut String) -> &'a str {
    let rest = text.trim_start_matches('\\');
    let count = text.len() - rest.len();
    if !rest.starts_with('"') {
        word.push_str(&text[..count]);
        return rest;
    }
    word.push_str(&text[..count / 2]);
    if count.is_multiple_of(2) {
        return rest;
    }
    word.push('"');
    &rest[1..]
}

fn quote<'a>(text: &'a str, word: &mut String, quoted: &mut bool) -> &'a str {
    let doubled = *quoted && text.starts_with("\"\"");
    *quoted = !*quoted;
    if doubled {
        word.push('"');
    }
    &text[if doubled { 2 } else { 1 }..]
}

fn is_blank(next: char) -> bool {
    matches!(next, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_split() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  python3 \t main.py ", &["python3", "main.py"]),
            (r#"/bin/sh -c "echo hi; exit 3""#, &["/bin/sh", "-c", "echo hi; exit 3"]),
            (r#"sh -c "say \"hi\"""#, &["sh", "-c", r#"say "hi""#]),
            (r#"x "a\\" b"#, &["x", r"a\", "b"]),
            (r#"x "a\\\" b"#, &["x", r#"a\" b"#]),
            (r#"x a\\b \n "\$HOME""#, &["x", r"a\\b", r"\n", r"\$HOME"]),
            ("x 'b c'", &["x", "'b", "c'"]),
            ("x \"\" a\"b c\"d", &["x", "", "ab cd"]),
            ("x \"a\"\"b c\"", &["x", "a\"b", "c"]),
            ("x \"one\ntwo\" \"open end", &["x", "one\ntwo", "open end"]),
            (r#""C:\a b\"x y"#, &[r"C:\a b\", "x", "y"]),
            (r#"a\"b c"#, &[r#"a\"b"#, "c"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line), *words, "{line}");
        }
    }
}
