//! A script that is too long for an argument does what it would do as one, in every interpreter that there is.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use super::{Argv, Script};
use crate::inputs::Inputs;

const SHELLS: [&[&str]; 8] = [
    &["/bin/sh"],
    &["/bin/dash"],
    &["/bin/bash"],
    &["/bin/bash", "--posix", "-o", "pipefail"],
    &["/bin/busybox", "sh"],
    &["/bin/mksh"],
    &["/bin/ksh93"],
    &["/bin/zsh", "-f"],
];

const SHELL_SCRIPTS: [&str; 12] = [
    "echo \"$0 $# $1 $2\"; shift; echo \"$*\"",
    "set -e; echo before; false; echo after",
    "set -eu; f() { return 3; }; f || echo \"$?\"; f",
    "exit 7",
    "false",
    "cat <<'EOF'\n$x `y` \\z 'q'\nEOF\ncat <<EOF\n$(echo in) $0\nEOF",
    "read x; echo \"got $x\"; cat",
    "trap 'echo over' EXIT; kill -0 $$ && exit 5",
    "printf '%s|' 'a\\b' \"it's\" \"a\\\\b\" '\u{e9}\u{1f680}'; echo $-",
    "case $- in *e*) echo set;; *) echo unset;; esac; f() { echo \"$1\"; }; f one; exec sh -c 'exit 9'",
    "echo begun; if then",
    "unset nothing; echo ${nothing?missing}; echo after",
];

const PYTHON_SCRIPTS: [&str; 9] = [
    "import sys; print(sys.argv, __name__, sys.path[0])",
    "import sys; sys.exit(7)",
    "raise SystemExit('text')",
    "print(input()); import sys; print(sys.stdin.read())",
    "from __future__ import annotations\ndef f(x: undefined): return x\nprint(f(1), sorted(globals()))",
    "print('\u{e9}\u{1f680}', len('''a\r\nb'''), r'\\', \"it's\")",
    "class A:\n  def f(self): return __class__\nprint([A().f() for _ in range(2)])",
    "import os; os._exit(9)",
    "raise ValueError('wrong')",
];

/// With something to read.
fn run(command: &mut Command, wd: &Path) -> Output {
    fs::write(wd.join("stdin"), "line\nrest\n").unwrap();
    command.stdin(File::open(wd.join("stdin")).unwrap()).output().unwrap()
}

/// What a script does as an argument, and what it does with so long a comment behind it that it is a file.
fn both(start: &[&str], script: &str) -> (Output, Output) {
    let wd = tempfile::tempdir().unwrap();
    let (program, options) = start.split_first().unwrap();
    let mut short = Command::new(program);
    short.args(options).args(["-c", script, "zero", "one two", "-c"]);
    let long = format!("{script}\n{}", "#".repeat(200_000));
    let words = start.iter().copied().chain(["-c", &long, "zero", "one two", "-c"]);
    let argv = Argv::new(words.map(str::to_owned).collect()).unwrap();
    assert!(argv.script.is_some());
    let link = wd.path().join("link").display().to_string();
    let text = Script { link, directory: "run".to_owned(), output_dir: None, argv, report: None };
    fs::write(wd.path().join("script"), text.staged_text(&Inputs::default(), "")).unwrap();
    let mut staged = Command::new("/bin/sh");
    staged.arg(wd.path().join("script")).env("AZ_BATCH_TASK_WORKING_DIR", wd.path());
    (run(&mut short, wd.path()), run(&mut staged, wd.path()))
}

#[test]
fn a_long_script_does_in_every_shell_what_it_does_as_an_argument() {
    for shell in SHELLS.into_iter().filter(|shell| Path::new(shell[0]).exists()) {
        for script in SHELL_SCRIPTS {
            let (short, long) = both(shell, script);
            assert_eq!(
                (String::from_utf8_lossy(&long.stdout), long.status.code(), long.stderr.is_empty()),
                (
                    String::from_utf8_lossy(&short.stdout),
                    short.status.code(),
                    short.stderr.is_empty()
                ),
                "{shell:?} {script}\n{short:?}\n{long:?}"
            );
        }
    }
}

#[test]
fn a_long_script_does_in_python_what_it_does_as_an_argument() {
    let said = |output: &Output| {
        let errors = String::from_utf8_lossy(&output.stderr);
        errors.lines().last().map(str::to_owned)
    };
    for script in PYTHON_SCRIPTS {
        let (short, long) = both(&["/usr/bin/python3", "-u"], script);
        assert_eq!(
            (&long.stdout, long.status.code(), said(&long)),
            (&short.stdout, short.status.code(), said(&short)),
            "{script}"
        );
    }
}
