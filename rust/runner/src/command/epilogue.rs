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
