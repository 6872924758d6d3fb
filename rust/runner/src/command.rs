//! The shell script that puts a command into its working directory, and the Batch command line for it.
//!
//! Azure Batch does not run a command line in a shell and does not say how it splits it. A staged script
//! needs no quoting on the command line at all; only without blob storage is the script an argument.

use crate::Invalid;
use crate::inputs::Inputs;

mod enter;
mod epilogue;
mod long;
mod place;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod same;

pub(crate) use long::{Argv, check_environment};

use long::COMMAND_FILE;

pub(crate) use epilogue::{DIRECTORIES, MODES, MOVED, REPORT_DIR, USUAL_MODE};

/// Name of the staged script in the task's `wd`.
pub(crate) const SCRIPT_NAME: &str = "kestra-run.sh";

/// Directory in `wd` that inputs are downloaded to, before the script moves them to their place.
pub(crate) const INPUTS_DIR: &str = "kestra-in";

/// Longest script that fits on a command line: Linux refuses a single argument of 128 KiB.
const MAX_INLINE_BYTES: usize = 100 * 1024;

/// Carries a backslash into an inline script, which must not hold one: where the agent splits the command
/// line by POSIX rules two of them are one, and by the rules of Windows they are two.
pub(crate) const BACKSLASH: (&str, &str) = ("KESTRA_BACKSLASH", "\\");

/// What the script needs to know.
pub(crate) struct Script {
    /// Absolute path that stands for the working directory; becomes a link.
    pub(crate) link: String,
    /// Name of the real directory in `wd`.
    pub(crate) directory: String,
    /// Directory to make for outputs, relative to the working directory.
    pub(crate) output_dir: Option<&'static str>,
    pub(crate) argv: Argv,
    /// What to report of the working directory after the command, if anything is to come back.
    pub(crate) report: Option<Report>,
}

/// What a script reports of the working directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    /// All directories.
    pub(crate) directories: bool,
    /// Files below more dot directories than the patterns of Batch reach.
    pub(crate) deep: bool,
}

impl Script {
    /// The text for a file, which needs nothing from outside. `prefix` is that of the inputs' blobs.
    pub(crate) fn staged_text(&self, inputs: &Inputs, prefix: &str) -> Vec<u8> {
        let (name, value) = BACKSLASH;
        let parts = [
            format!("{name}='{value}'").into_bytes(),
            self.start().into_bytes(),
            place::download(inputs, prefix),
            enter::make_directories(self).into_bytes(),
            place::complete(inputs),
            self.write_long_script(),
            enter::enter(self).into_bytes(),
            self.command().into_bytes(),
        ];
        parts.join(&b'\n')
    }

    /// The text for a command line.
    pub(crate) fn inline_text(&self) -> String {
        [self.start(), enter::make_directories(self), enter::enter(self), self.command()].join("\n")
    }

    fn start(&self) -> String {
        format!(
            "fail() {{ echo \"kestra: $1\" >&2; exit 126; }}\n\
             work=$AZ_BATCH_TASK_WORKING_DIR/{}",
            quote(&self.directory)
        )
    }

    /// `exec` leaves the command itself as the container's process, or as a child whose exit code becomes the task's.
    fn command(&self) -> String {
        let argv: Vec<String> = self.argv.words.iter().map(|word| quote(word)).collect();
        let command = format!("exec {}", argv.join(" "));
        match self.report {
            Some(report) => format!("({command})\n{}", epilogue::epilogue(report)),
            None => command + "\n",
        }
    }

    /// The shell itself writes it: what a shell has built in takes arguments of any length.
    fn write_long_script(&self) -> Vec<u8> {
        let Some(script) = &self.argv.script else { return Vec::new() };
        let file = format!("\"$AZ_BATCH_TASK_WORKING_DIR/{COMMAND_FILE}\"");
        let end =
            format!(" > {file} || fail \"the command could not be written to {COMMAND_FILE}\"");
        [b"printf %s ".to_vec(), quote_bytes(script.as_bytes()), end.into_bytes()].concat()
    }
}

/// The command line for a staged script: no quote, backslash or newline, so it means the same however
/// it is split.
pub(crate) fn staged_command_line() -> String {
    format!("/bin/sh {SCRIPT_NAME}")
}

/// The command line that carries the script itself, in the form known to work on real pools. It holds no
/// backslash but before quotes, where all ways of splitting agree. The task needs [`BACKSLASH`].
pub(crate) fn inline_command_line(script: &str) -> Result<String, Invalid> {
    if script.len() > MAX_INLINE_BYTES {
        return Err(Invalid::new(
            "commands",
            format!(
                "{} bytes are too many without blobStorage (at most {MAX_INLINE_BYTES}); \
                 set blobStorage and they travel as a file",
                script.len()
            ),
        ));
    }
    let escaped = script.replace('"', "\\\"");
    Ok(format!("/bin/sh -c \"{escaped}\""))
}

/// One word for a POSIX shell, without a backslash.
fn quote(word: &str) -> String {
    let (name, _) = BACKSLASH;
    let quoted = word.replace('\'', "'\"'\"'").replace('\\', &format!("'\"${name}\"'"));
    format!("'{quoted}'")
}

/// One word of a script that is a file, where a backslash needs no care.
fn quote_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in bytes {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            other => quoted.push(other),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::{Command, Output};

    fn script(argv: &[&str], wd: &Path) -> Script {
        Script {
            link: wd.join("link").display().to_string(),
            directory: "kestra-1".to_owned(),
            output_dir: Some("out"),
            argv: Argv::new(argv.iter().map(ToString::to_string).collect()).unwrap(),
            report: None,
        }
    }

    fn run(wd: &Path, script: &Script) -> Output {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script.inline_text()]);
        shell.env("AZ_BATCH_TASK_WORKING_DIR", wd).env(BACKSLASH.0, BACKSLASH.1).output().unwrap()
    }

    #[test]
    fn arguments_reach_the_command_as_they_are() {
        let wd = tempfile::tempdir().unwrap();
        let argv = ["printf", "%s|", "it's", "a \"b\"", "$HOME `x` \\n", "new\nline", ""];
        let out = run(wd.path(), &script(&argv, wd.path())).stdout;
        assert_eq!(String::from_utf8(out).unwrap(), "it's|a \"b\"|$HOME `x` \\n|new\nline||");
    }

    #[test]
    fn the_exit_code_is_the_commands_own() {
        let wd = tempfile::tempdir().unwrap();
        let output = run(wd.path(), &script(&["/bin/sh", "-c", "exit 3"], wd.path()));
        assert_eq!(output.status.code(), Some(3));
    }

    #[test]
    fn a_script_too_long_for_a_command_line_is_refused() {
        let error = inline_command_line(&"x".repeat(MAX_INLINE_BYTES + 1)).unwrap_err();
        assert_eq!(error.property(), "commands");
        assert!(error.to_string().contains("set blobStorage"));
    }

    #[test]
    fn an_inline_command_line_has_backslashes_before_quotes_only() {
        let script = script(&["printf", "a\\b \"c\" d\\", "it's\n"], Path::new("/tmp"));
        let line = inline_command_line(&script.inline_text()).unwrap();
        let inner = line.strip_prefix("/bin/sh -c \"").and_then(|line| line.strip_suffix('"'));
        let inner = inner.unwrap();
        assert!(!inner.replace("\\\"", "").contains(['\\', '"']), "{inner}");
    }
}
