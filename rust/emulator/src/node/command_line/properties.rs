//! Property tests: quoted arguments are split into the original ones.

use std::process::Command;

use proptest::prelude::*;

use super::{argvw, posix};

/// A part of an argument, plain and quoted for a shell.
fn posix_piece() -> impl Strategy<Value = (String, String)> {
    let escaped = |text: &str| text.chars().map(|next| format!("\\{next}")).collect::<String>();
    prop_oneof![
        "[^']{0,4}".prop_map(|text| (text.clone(), format!("'{text}'"))),
        // A backslash at the end of a line would join two lines.
        "[^\n]{1,3}".prop_map(move |text| (text.clone(), escaped(&text))),
        "[^\\\\\"]{0,4}".prop_map(|text| (text.clone(), format!("\"{text}\""))),
        "[\\\\\"$`]{1,4}".prop_map(move |text| (text.clone(), format!("\"{}\"", escaped(&text)))),
        "[a-z*?~#&;|]{1,3}".prop_map(|text| (text.clone(), text)),
    ]
}

/// Returns an argument in double quotes: each quote gets a backslash, and backslashes before a
/// quote are doubled.
fn argvw_quoted(argument: &str) -> String {
    let mut line = String::from("\"");
    let mut backslashes = 0;
    for next in argument.chars() {
        if next == '"' {
            line += &"\\".repeat(backslashes + 1);
        }
        backslashes = if next == '\\' { backslashes + 1 } else { 0 };
        line.push(next);
    }
    line + &"\\".repeat(backslashes) + "\""
}

/// Returns how `/bin/sh` splits a line without expansions; `None` if it cannot.
fn split_by_shell(line: &str) -> Option<Vec<String>> {
    let script = format!("set -- {line}\nprintf '%s\\0' \"$#\" \"$@\"");
    let output = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut words = text.split_terminator('\0').map(str::to_owned);
    let count: usize = words.next().filter(|_| output.status.success())?.parse().ok()?;
    Some(words.take(count).collect())
}

proptest! {
    #[test]
    fn posix_restores_quoted_arguments(
        words in prop::collection::vec(prop::collection::vec(posix_piece(), 1..4), 0..5),
        blank in "[ \t\r\n]{1,2}",
    ) {
        let (plain, written): (Vec<String>, Vec<String>) = words
            .into_iter()
            .map(|pieces| pieces.into_iter().unzip::<_, _, Vec<String>, Vec<String>>())
            .map(|(plain, written)| (plain.concat(), written.concat()))
            .unzip();
        prop_assert_eq!(posix::split(&written.join(&blank)), Ok(plain));
    }

    #[test]
    fn posix_splits_as_a_shell_does(line in "[ab '\"\\\\]{0,12}") {
        prop_assume!(!line.ends_with('\\'));
        prop_assert_eq!(posix::split(&line).ok(), split_by_shell(&line));
    }

    #[test]
    fn argvw_restores_quoted_arguments(
        program in "[^\"]{0,6}",
        arguments in prop::collection::vec("[a\\\\\" \t\n]{0,6}|\\PC{0,6}", 0..5),
    ) {
        let line = arguments.iter().fold(format!("\"{program}\""), |line, argument| {
            format!("{line} {}", argvw_quoted(argument))
        });
        let words: Vec<String> = [program].into_iter().chain(arguments).collect();
        prop_assert_eq!(argvw::split(&line), words);
    }

    #[test]
    fn any_line_is_split_or_refused(line in "[ab \t\n'\"\\\\$]{0,16}|(?s).*") {
        argvw::split(&line);
        // Splitting adds no characters.
        let longest = posix::split(&line).unwrap_or_default().iter().map(String::len).sum::<usize>();
        prop_assert!(longest <= line.len());
    }
}
