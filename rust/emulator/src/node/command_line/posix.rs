//! POSIX quoting without expansion: whitespace separates arguments; single quotes preserve
//! everything; double quotes preserve everything but `\"`, `\\`, `` \` ``, `\$` and an escaped
//! newline; a backslash outside quotes preserves the next character.

/// Returns the arguments of a command line, or why it cannot be split.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(next) = chars.next() {
        match next {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => single_quoted(&mut chars, word.get_or_insert_default())?,
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => match chars.next() {
                Some('\n') => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => return Err("it ends with a backslash".to_owned()),
            },
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    for next in chars.by_ref() {
        if next == '\'' {
            return Ok(());
        }
        word.push(next);
    }
    Err("a single quote is not closed".to_owned())
}

fn double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(next) = chars.next() {
        match next {
            '"' => return Ok(()),
            '\\' => match chars.next() {
                Some('\n') => {}
                Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            plain => word.push(plain),
        }
    }
    Err("a double quote is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_split() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  python3   main.py ", &["python3", "main.py"]),
            ("/bin/sh -c \"echo hi; exit 3\"", &["/bin/sh", "-c", "echo hi; exit 3"]),
            (r#"sh -c "say \"hi\" \\ \$HOME \n""#, &["sh", "-c", r#"say "hi" \ $HOME \n"#]),
            (r"a 'b c' d\ e 'f\g'", &["a", "b c", "d e", r"f\g"]),
            ("a'b'\"c\"", &["abc"]),
            ("a '' \"\"", &["a", "", ""]),
            ("sh -c \"one\ntwo\"", &["sh", "-c", "one\ntwo"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), *words, "{line}");
        }
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for line in ["a 'b", "a \"b", "a \\", "\"a\\"] {
            assert!(split(line).is_err(), "{line}");
        }
    }
}
