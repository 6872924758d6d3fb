//! Whatever the arguments are, the command gets them.

use std::fs;
use std::process::Command;

use proptest::prelude::*;

use crate::inputs::Inputs;

use super::{Argv, BACKSLASH, Script, inline_command_line};

/// The arguments that a script hands to its command, when a shell runs it from a file or as an argument.
fn received(argv: &[String], staged: bool) -> Vec<String> {
    let wd = tempfile::tempdir().unwrap();
    let link = wd.path().join("link").display().to_string();
    let words: Vec<String> =
        ["printf", "%s\\0"].map(str::to_owned).into_iter().chain(argv.iter().cloned()).collect();
    let script = Script {
        link,
        directory: "kestra-1".to_owned(),
        output_dir: None,
        argv: Argv { words, script: None },
        report: None,
    };
    let mut shell = Command::new("/bin/sh");
    if staged {
        fs::write(wd.path().join("script"), script.staged_text(&Inputs::default(), "")).unwrap();
        shell.arg(wd.path().join("script"));
    } else {
        shell
            .arg("-c")
            .arg(split(&inline_command_line(&script.inline_text()).unwrap()))
            .env(BACKSLASH.0, BACKSLASH.1);
    }
    let output = shell.env("AZ_BATCH_TASK_WORKING_DIR", wd.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// The last argument of a command line, by the one rule that all ways of splitting share.
fn split(line: &str) -> String {
    let quoted =
        line.strip_prefix("/bin/sh -c \"").and_then(|line| line.strip_suffix('"')).unwrap();
    quoted.replace("\\\"", "\"")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_arguments_survive_the_shell(
        argv in prop::collection::vec("[a'\"\\\\$`!*~ \n\t-]{0,8}|[^\0]{0,6}", 1..5),
        staged in any::<bool>(),
    ) {
        prop_assert_eq!(received(&argv, staged), argv);
    }
}
