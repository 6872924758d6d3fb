//! The parts of the script that make the working directory and enter it, with as few programs of the image as possible.

use super::{Script, quote};

/// Makes the working directory. Where nothing is to come back, the command may run in the task's own one: an image with a
/// shell alone can do that.
pub(super) fn make_directories(script: &Script) -> String {
    let output_dir = script.output_dir.map(|dir| format!("/{}", quote(dir))).unwrap_or_default();
    let otherwise = match (script.report, script.output_dir) {
        (None, None) => "work=$AZ_BATCH_TASK_WORKING_DIR",
        _ => "fail \"$work could not be made: the image needs mkdir\"",
    };
    format!("[ -d \"$work\"{output_dir} ] || mkdir -p \"$work\"{output_dir} || {otherwise}")
}

/// Enters the working directory by the link that stands for it. Without `ln`, or a place for the link, the command runs
/// all the same if it does not name the link.
pub(super) fn enter(script: &Script) -> String {
    let link = quote(&script.link);
    let reason = format!(
        "the link {} could not be made: the image needs ln and a /tmp that can be written",
        script.link
    );
    let otherwise = if names(script, &script.link) {
        format!(
            "  fail \"{reason}, because the commands name {{{{ workingDir }}}} or {{{{ outputDir }}}}\""
        )
    } else {
        without_link(script, &reason)
    };
    format!(
        "rm -f {link} 2>/dev/null\n\
         if ln -s \"$work\" {link}; then\n  \
         cd {link} || fail \"$work could not be entered\"\n\
         else\n{otherwise}\nfi"
    )
}

/// The variables that Kestra sets name the link too.
fn without_link(script: &Script, reason: &str) -> String {
    let variable = |name: &str, below: &str| {
        let value = quote(&format!("{}{below}", script.link));
        format!("  [ \"${name}\" != {value} ] || export {name}=\"$work\"{}\n", quote(below))
    };
    let output_dir = script.output_dir.map(|dir| variable("OUTPUT_DIR", &format!("/{dir}")));
    format!(
        "  echo \"kestra: {reason}; {{{{ workingDir }}}} leads nowhere, so name files relative to it\" >&2\n  \
         cd \"$work\" || fail \"$work could not be entered\"\n{}{}",
        variable("WORKING_DIR", ""),
        output_dir.unwrap_or_default(),
    )
}

fn names(script: &Script, path: &str) -> bool {
    script.argv.words.iter().chain(&script.argv.script).any(|word| word.contains(path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::{Command, Output};

    use crate::command::{Argv, BACKSLASH, Report};

    use super::*;

    fn script(wd: &Path, command: &str) -> Script {
        Script {
            link: wd.join("link").display().to_string(),
            directory: "run".to_owned(),
            output_dir: None,
            argv: Argv::new(["/bin/sh", "-c", command].map(str::to_owned).into()).unwrap(),
            report: None,
        }
    }

    fn run(wd: &Path, script: &Script, programs: &[&str]) -> Output {
        run_with(&[], wd, script, programs)
    }

    /// Runs it with variables of the flow, where the image has these programs beside the shell.
    fn run_with(own: &[(&str, &str)], wd: &Path, script: &Script, programs: &[&str]) -> Output {
        let bin = wd.join("bin");
        std::fs::create_dir(&bin).unwrap();
        programs.iter().for_each(|name| symlink(format!("/bin/{name}"), bin.join(name)).unwrap());
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script.inline_text()]).env_clear().env("PATH", bin);
        shell.env("AZ_BATCH_TASK_WORKING_DIR", wd).env(BACKSLASH.0, BACKSLASH.1);
        shell.env("WORKING_DIR", &script.link).env("OUTPUT_DIR", format!("{}/out", script.link));
        shell.envs(own.iter().copied()).output().unwrap()
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn an_image_with_a_shell_alone_runs_a_command() {
        let wd = tempfile::tempdir().unwrap();
        let output = run(wd.path(), &script(wd.path(), "echo \"$PWD $WORKING_DIR\"; exit 3"), &[]);
        assert_eq!(output.status.code(), Some(3));
        let directory = wd.path().display();
        assert_eq!(text(&output.stdout), format!("{directory} {directory}\n"));
        let told = text(&output.stderr);
        assert!(told.contains("kestra: the link ") && told.contains("needs ln"), "{told}");
    }

    #[test]
    fn without_ln_the_variables_of_kestra_name_the_directory_itself() {
        let wd = tempfile::tempdir().unwrap();
        let command = "echo in > \"$OUTPUT_DIR\"/file; echo \"$PWD $WORKING_DIR\"";
        let script = Script { output_dir: Some("out"), ..script(wd.path(), command) };
        let output = run(wd.path(), &script, &["mkdir"]);
        let directory = wd.path().join("run");
        assert_eq!(text(&output.stdout), format!("{0} {0}\n", directory.display()));
        assert_eq!(std::fs::read(directory.join("out/file")).unwrap(), b"in\n");
    }

    #[test]
    fn a_variable_that_the_flow_has_changed_stays() {
        let wd = tempfile::tempdir().unwrap();
        let script = script(wd.path(), "echo \"$WORKING_DIR\"");
        let output = run_with(&[("WORKING_DIR", "mine")], wd.path(), &script, &[]);
        assert_eq!(text(&output.stdout), "mine\n");
    }

    #[test]
    fn a_command_that_names_a_link_that_is_not_there_is_not_begun() {
        let wd = tempfile::tempdir().unwrap();
        let command = format!("echo begun; cat {}/file", wd.path().join("link").display());
        let output = run(wd.path(), &script(wd.path(), &command), &["mkdir"]);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(126), ""));
        assert!(text(&output.stderr).contains("because the commands name {{ workingDir }}"));
    }

    #[test]
    fn what_is_to_come_back_needs_a_directory_of_its_own() {
        let wd = tempfile::tempdir().unwrap();
        let report = Some(Report { directories: false, deep: false });
        let output = run(wd.path(), &Script { report, ..script(wd.path(), "echo begun") }, &["ln"]);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(126), ""));
        assert!(text(&output.stderr).contains("could not be made: the image needs mkdir"));
    }
}
