//! What the staged script does after the command: it reports what Batch does not say of the files that come back.
//!
//! - The modes of files.
//! - Directories, for they may be empty.
//! - Files whose names Blob Storage would change or could not hold, and files below more dot directories than the
//!   patterns of Batch reach. They are moved into the report, under another name, and come back under their own.
//!
//! An image without `find` or `stat` reports less. A task that is ended from outside reports nothing.

use super::Report;

/// Directory of the report in the task's `wd`.
pub(crate) const REPORT_DIR: &str = "kestra-report";

/// Files of the report, which a list of blobs has in this order: paths; lines of a mode and a path; moved files, each as
/// its name in the report, its mode and its path. What may hold a line end ends with NUL. Then come the moved files.
pub(crate) const DIRECTORIES: &str = "1-directories";
pub(crate) const MODES: &str = "2-modes";
pub(crate) const MOVED: &str = "3-moved";

/// The mode that is not reported, because most files have it.
pub(crate) const USUAL_MODE: u32 = 0o644;

/// Names that end with a dot or blank, or begin with a blank; control characters, `\`, U+2028 and U+2029.
const UNSAFE: &str = "-path '*[[:cntrl:]\\\\]*' -o -path '*[.\u{20}]' -o -path '*?[.\u{20}]/*' -o -path '*/\u{20}*' \
                      -o -path '*\u{2028}*' -o -path '*\u{2029}*'";

/// Three dot directories: the patterns for any directory know of two.
const DEEP: &str = "-path '*/.*/.*/.*/*'";

/// Paths that are sure to be short enough for a blob, together with the names of the run: bytes, and directories.
const LONGEST: usize = 800;
const DEEPEST: usize = 200;

/// Moves files into the report.
const MOVE: &str = r#"
report=$1
shift
n=0
for file do
  n=$((n+1))
  mode=$(stat -c %a "$file")
  mv -f "$file" "$report/4-$$-$n" && printf "%s %s %s\0" "4-$$-$n" "$mode" "$file" >>"$report"/3-moved
done
"#;

/// Nothing here changes the task's exit code or its log.
pub(super) fn epilogue(Report { directories, deep }: Report) -> String {
    let long = format!("-path '{}*'", "?".repeat(LONGEST));
    let deep = if deep { format!(" -o {DEEP}") } else { String::new() };
    let moved = format!("-exec /bin/sh -c '{MOVE}' sh \"$report\" {{}} +");
    let directories = match directories {
        true => format!("find . -type d -print0 >\"$report\"/{DIRECTORIES}\n"),
        false => String::new(),
    };
    format!(
        "code=$?\n\
         (\nexec 2>/dev/null\nLC_ALL=C\nexport LC_ALL\n\
         report=$AZ_BATCH_TASK_WORKING_DIR/{REPORT_DIR}\n\
         rm -rf \"$report\"\nmkdir \"$report\" && cd \"$work\" || exit\n\
         {directories}\
         find . -type f ! -perm 0644 ! -path '*\n*' -exec stat -c '%a %n' {{}} + >\"$report\"/{MODES}\n\
         [ -s \"$report\"/{MODES} ] || rm -f \"$report\"/{MODES}\n\
         find . -type f \\( {UNSAFE} -o {long}{deep} \\) {moved}\n\
         find . -mindepth {DEEPEST} -type f {moved}\n\
         )\nexit \"$code\"\n"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use crate::command::{Argv, BACKSLASH, Script};

    use super::*;

    /// What the report holds after a command in a shell: its files by their names, moved ones by their paths.
    fn report_of(shell: &[&str], command: &str, deep: bool) -> BTreeMap<String, String> {
        let wd = tempfile::tempdir().unwrap();
        let argv = ["/bin/sh", "-c", command].map(str::to_owned);
        let script = Script {
            link: wd.path().join("link").display().to_string(),
            directory: "run".to_owned(),
            output_dir: None,
            argv: Argv::new(argv.into()).unwrap(),
            report: Some(Report { directories: true, deep }),
        };
        let (program, options) = shell.split_first().unwrap();
        let mut shell = Command::new(program);
        shell.args(options).args(["-c", &script.inline_text()]);
        shell.env("AZ_BATCH_TASK_WORKING_DIR", wd.path()).env(BACKSLASH.0, BACKSLASH.1);
        let output = shell.output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(3), &b""[..]));
        read(&wd.path().join(REPORT_DIR))
    }

    fn read(report: &Path) -> BTreeMap<String, String> {
        let text = |name: &str| fs::read_to_string(report.join(name)).unwrap_or_default();
        let moved = text(MOVED);
        let moved = moved.split_terminator('\0').map(|entry| {
            let (file, mode_and_path) = entry.split_once(' ').unwrap();
            (mode_and_path.to_owned(), text(file))
        });
        let mut directories: Vec<_> =
            text(DIRECTORIES).split_terminator('\0').map(str::to_owned).collect();
        directories.sort_unstable();
        let mut modes: Vec<_> = text(MODES).lines().map(str::to_owned).collect();
        modes.sort_unstable();
        let parts = [(DIRECTORIES, directories.join(" ")), (MODES, modes.join(" "))];
        moved.chain(parts.map(|(name, text)| (name.to_owned(), text))).collect()
    }

    const MAKE: &str = "umask 022; mkdir -p .a/.b/.c empty; echo deep >.a/.b/.c/d; echo odd >'back\\slash'; \
                        echo dot >dot.; echo line >'two\nlines'; echo blank >' x '; echo plain >plain; \
                        echo tool >tool; chmod 751 tool; exit 3";

    #[test]
    fn modes_directories_and_files_that_cannot_travel_are_reported_in_every_shell() {
        let shells: [&[&str]; 3] = [&["/bin/sh"], &["bash"], &["busybox", "sh"]];
        let is_here = |shell: &&[&str]| Command::new(shell[0]).arg("--help").output().is_ok();
        for shell in shells.iter().copied().filter(is_here) {
            let report = report_of(shell, MAKE, true);
            assert_eq!(report[DIRECTORIES], ". ./.a ./.a/.b ./.a/.b/.c ./empty", "{shell:?}");
            assert_eq!(report[MODES], "751 ./tool", "{shell:?}");
            let moved: Vec<_> =
                report.iter().skip_while(|(path, _)| !path.starts_with("644")).collect();
            let moved: Vec<_> =
                moved.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            let expected = [
                ("644 ./ x ", "blank\n"),
                ("644 ./.a/.b/.c/d", "deep\n"),
                ("644 ./back\\slash", "odd\n"),
                ("644 ./dot.", "dot\n"),
                ("644 ./two\nlines", "line\n"),
            ];
            assert_eq!(moved, expected, "{shell:?}");
            assert!(!report_of(shell, MAKE, false).contains_key("644 ./.a/.b/.c/d"), "{shell:?}");
        }
    }
}
