//! The shell script that puts a command into its working directory, and the Batch command line for it.
//!
//! Azure Batch does not run a command line in a shell and does not say how it splits it. A staged script
//! needs no quoting on the command line at all; only without blob storage is the script an argument.

use crate::Invalid;

mod epilogue;
#[cfg(test)]
mod properties;

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
pub(crate) struct Script<'a> {
    /// Absolute path that stands for the working directory; becomes a link.
    pub link: &'a str,
    /// Name of the real directory in `wd`.
    pub directory: String,
    /// Blob prefix of the inputs, if there are any.
    pub inputs: Option<&'a str>,
    /// Directory to make for outputs, relative to the working directory.
    pub output_dir: Option<&'a str>,
    pub argv: &'a [String],
    /// What to report of the working directory after the command, if anything is to come back.
    pub report: Option<Report>,
}

/// What a script reports of the working directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    /// All directories.
    pub directories: bool,
    /// Files below more dot directories than the patterns of Batch reach.
    pub deep: bool,
}

impl Script<'_> {
    /// The text for a file, which needs nothing from outside.
    pub(crate) fn staged_text(&self) -> String {
        let (name, value) = BACKSLASH;
        format!("{name}='{value}'\n{}", self.text())
    }

    /// The text of the script. `exec` leaves the command itself as the container's process, or as a child whose exit code
    /// becomes the task's.
    pub(crate) fn text(&self) -> String {
        let argv: Vec<String> = self.argv.iter().map(|word| quote(word)).collect();
        [
            "fail() { echo \"kestra: $1\" >&2; exit 126; }".to_owned(),
            format!("work=$AZ_BATCH_TASK_WORKING_DIR/{}", quote(&self.directory)),
            self.place_inputs(),
            self.make_directories(),
            self.enter(),
            self.run(&argv.join(" ")),
        ]
        .join("\n")
            + "\n"
    }

    fn run(&self, command: &str) -> String {
        match self.report {
            Some(Report { directories, deep }) => {
                format!("(exec {command})\n{}", epilogue::epilogue(directories, deep))
            }
            None => format!("exec {command}"),
        }
    }

    /// Batch may keep the blob prefix below the target directory or strip it: both are looked at.
    fn place_inputs(&self) -> String {
        let Some(prefix) = self.inputs else {
            return String::new();
        };
        let kept = quote(prefix.trim_end_matches('/'));
        format!(
            "in=$AZ_BATCH_TASK_WORKING_DIR/{INPUTS_DIR}\n\
             [ -d \"$in\"/{kept} ] && in=$in/{kept}\n\
             if [ -d \"$in\" ]; then\n  rm -rf \"$work\"\n  \
             mv \"$in\" \"$work\" || fail \"the input files could not be put into $work\"\nfi"
        )
    }

    fn make_directories(&self) -> String {
        let output_dir = self.output_dir.map(|dir| format!("/{}", quote(dir))).unwrap_or_default();
        format!("mkdir -p \"$work\"{output_dir} || fail \"$work could not be made\"")
    }

    fn enter(&self) -> String {
        let link = quote(self.link);
        format!(
            "rm -f {link}\nln -s \"$work\" {link} || fail \"the link {} could not be made: \
             the image needs ln and a /tmp that can be written\"\ncd {link} || fail \"$work could not be entered\"",
            self.link
        )
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn script<'a>(argv: &'a [String], inputs: Option<&'a str>, link: &'a str) -> Script<'a> {
        Script {
            link,
            directory: "kestra-1".to_owned(),
            inputs,
            output_dir: Some("out"),
            argv,
            report: None,
        }
    }

    fn run(wd: &std::path::Path, script: &Script<'_>) -> String {
        let output = Command::new("/bin/sh")
            .args(["-c", &script.text()])
            .env("AZ_BATCH_TASK_WORKING_DIR", wd)
            .env(BACKSLASH.0, BACKSLASH.1)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arguments_reach_the_command_as_they_are() {
        let wd = tempfile::tempdir().unwrap();
        let link = wd.path().join("link").display().to_string();
        let argv = words(&["printf", "%s|", "it's", "a \"b\"", "$HOME `x` \\n", "new\nline", ""]);
        let out = run(wd.path(), &script(&argv, None, &link));
        assert_eq!(out, "it's|a \"b\"|$HOME `x` \\n|new\nline||");
    }

    #[test]
    fn inputs_are_found_whether_the_prefix_was_kept_or_stripped() {
        for place in ["kestra-in/p/in", "kestra-in"] {
            let wd = tempfile::tempdir().unwrap();
            let link = wd.path().join("link").display().to_string();
            std::fs::create_dir_all(wd.path().join(place).join("sub")).unwrap();
            std::fs::write(wd.path().join(place).join("sub/a"), "found").unwrap();
            let argv = words(&["cat", "sub/a"]);
            assert_eq!(run(wd.path(), &script(&argv, Some("p/in/"), &link)), "found", "{place}");
        }
    }

    #[test]
    fn the_exit_code_is_the_commands_own() {
        let wd = tempfile::tempdir().unwrap();
        let link = wd.path().join("link").display().to_string();
        let argv = words(&["/bin/sh", "-c", "exit 3"]);
        let status = Command::new("/bin/sh")
            .args(["-c", &script(&argv, None, &link).text()])
            .env("AZ_BATCH_TASK_WORKING_DIR", wd.path())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_link_that_cannot_be_made_ends_with_126_and_says_so() {
        let wd = tempfile::tempdir().unwrap();
        let argv = words(&["true"]);
        let output = Command::new("/bin/sh")
            .args(["-c", &script(&argv, None, "/proc/kestra").text()])
            .env("AZ_BATCH_TASK_WORKING_DIR", wd.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(126));
        assert!(String::from_utf8_lossy(&output.stderr).contains("kestra: the link /proc/kestra"));
    }

    #[test]
    fn a_script_too_long_for_a_command_line_is_refused() {
        let error = inline_command_line(&"x".repeat(MAX_INLINE_BYTES + 1)).unwrap_err();
        assert_eq!(error.property(), "commands");
        assert!(error.to_string().contains("set blobStorage"));
    }

    #[test]
    fn an_inline_command_line_has_backslashes_before_quotes_only() {
        let argv = words(&["printf", "a\\b \"c\" d\\", "it's\n"]);
        let line = inline_command_line(&script(&argv, None, "/tmp/l").text()).unwrap();
        let inner = line.strip_prefix("/bin/sh -c \"").and_then(|line| line.strip_suffix('"'));
        let inner = inner.unwrap();
        assert!(!inner.replace("\\\"", "").contains(['\\', '"']), "{inner}");
    }
}
