//! The parts of the script that bring every input to its place, under its own name and with its own mode.

use std::path::Path;

use super::{INPUTS_DIR, quote, quote_bytes};
use crate::inputs::Inputs;
use crate::names::RENAMED_DIR;

/// The mode that directories have in general, and that Batch's own come close to.
const USUAL_DIRECTORY_MODE: u32 = 0o755;

/// Bytes of the paths that one command gets: Linux limits its arguments to some 2 MiB, and other systems to less.
const MAX_ARGUMENTS: usize = 64 * 1024;

/// File in `wd` that says that the inputs are in their places. A retry on the same node finds the directory as the run
/// before has left it, and downloads nothing ([Azure/Batch #14](https://github.com/Azure/Batch/issues/14)).
const PLACED: &str = "\"$AZ_BATCH_TASK_WORKING_DIR\"/kestra-placed";

/// Batch may keep the blob prefix below the target directory or strip it: both are looked at.
pub(super) fn download(inputs: &Inputs, prefix: &str) -> Vec<u8> {
    if inputs.files.is_empty() {
        return Vec::new();
    }
    let kept = quote(prefix.trim_end_matches('/'));
    format!(
        "download=$AZ_BATCH_TASK_WORKING_DIR/{INPUTS_DIR} in=$download\n\
         [ -d \"$in\"/{kept} ] && in=$in/{kept}\n\
         if [ -d \"$in\" ]; then\n  rm -rf \"$work\" {PLACED}\n  \
         mv \"$in\" \"$work\" || fail \"the input files could not be put into $work: the image needs mv\"\n  \
         rm -rf \"$download\"\nfi"
    )
    .into_bytes()
}

/// Does what a download does not: empty directories, names that Blob Storage does not keep, and modes.
pub(super) fn complete(inputs: &Inputs) -> Vec<u8> {
    let numbered = inputs.files.iter().filter_map(|file| Some((file.number?, &*file.path)));
    let numbered: Vec<_> = numbered.collect();
    let parts =
        [take_away(&numbered), make_directories(inputs), rename(&numbered), set_modes(inputs)];
    let parts = parts.concat();
    if parts.is_empty() {
        return Vec::new();
    }
    let begin =
        format!("if [ ! -e {PLACED} ]; then\ncd \"$work\" || fail \"$work could not be entered\"");
    let end = format!(": >{PLACED}\nfi");
    [vec![begin.into_bytes()], parts, vec![end.into_bytes()]].concat().join(&b'\n')
}

fn make_directories(inputs: &Inputs) -> Vec<Vec<u8>> {
    let bare = inputs.directories.iter().filter(|directory| directory.is_bare);
    let failed = " || fail \"the directories of the input files could not be made in $work\"";
    commands("mkdir -p", bare.map(|directory| &*directory.path), failed)
}

/// The files with numbers are taken out of the way: the directory that they are in may be the name of another input.
fn take_away(numbered: &[(usize, &Path)]) -> Vec<Vec<u8>> {
    if numbered.is_empty() {
        return Vec::new();
    }
    let script = format!(
        "renamed=$AZ_BATCH_TASK_WORKING_DIR/{RENAMED_DIR}\nrm -rf \"$renamed\"\n\
         mv {RENAMED_DIR} \"$renamed\" || fail \"the input files could not be renamed in $work\"\n\
         place() {{ mv -f \"$renamed/$1\" \"$2\" || fail \"$2 could not be put into its place in $work\"; }}"
    );
    vec![script.into_bytes()]
}

fn rename(numbered: &[(usize, &Path)]) -> Vec<Vec<u8>> {
    let place = |(number, path): &(usize, &Path)| {
        [format!("place {number} ").into_bytes(), quote_path(path)].concat()
    };
    let end = (!numbered.is_empty()).then(|| b"rmdir \"$renamed\"".to_vec());
    numbered.iter().map(place).chain(end).collect()
}

/// A mode that cannot be set is no reason to fail. Directories come last, and each before the
/// one that it is in, because a mode may close them.
fn set_modes(inputs: &Inputs) -> Vec<Vec<u8>> {
    let usual = inputs.file_mode();
    let files = inputs.files.iter().map(|file| (file.mode, &*file.path));
    let mut files: Vec<_> = files.filter(|(mode, _)| Some(*mode) != usual).collect();
    files.sort_by_key(|(mode, _)| *mode);
    let directories = inputs.directories.iter().rev().map(|found| (found.mode, &*found.path));
    let directories = directories.filter(|(mode, _)| *mode != USUAL_DIRECTORY_MODE).collect();
    [set_mode_of(files), set_mode_of(directories)].concat()
}

fn set_mode_of(paths: Vec<(u32, &Path)>) -> Vec<Vec<u8>> {
    let runs = paths.chunk_by(|(mode, _), (other, _)| mode == other);
    let lines = runs.map(|run| {
        let start = format!("chmod {:04o}", run.first().map_or(0, |(mode, _)| *mode));
        commands(&start, run.iter().map(|(_, path)| *path), " 2>/dev/null")
    });
    lines.flatten().collect()
}

/// Splits the paths into as few commands as their length allows.
fn commands<'a>(start: &str, paths: impl Iterator<Item = &'a Path>, end: &str) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut bytes = usize::MAX;
    for path in paths {
        let length = path.as_os_str().len() + "./ ".len();
        if bytes.saturating_add(length) > MAX_ARGUMENTS {
            lines.push(start.as_bytes().to_vec());
            bytes = 0;
        }
        bytes += length;
        if let Some(line) = lines.last_mut() {
            line.push(b' ');
            line.extend(quote_path(path));
        }
    }
    lines.iter_mut().for_each(|line| line.extend_from_slice(end.as_bytes()));
    lines
}

/// A path that no command takes for an option, in its own bytes.
fn quote_path(path: &Path) -> Vec<u8> {
    quote_bytes(&[b"./", path.as_os_str().as_encoded_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Command, Output};

    use tempfile::TempDir;

    use super::*;
    use crate::command::{Argv, Script};
    use crate::inputs::{Directory, InputFile};

    const COMMAND: &str = "cat plain 'a\\b' && ls -d closed/in && echo more >>plain";

    fn file(path: &str, number: Option<usize>) -> InputFile {
        InputFile { path: path.into(), size: 1, mode: 0o644, number }
    }

    fn directory(path: &str, mode: u32) -> Directory {
        Directory { path: path.into(), mode, is_bare: true }
    }

    const PREFIX: &str = "box/in/";

    /// What Batch downloads of them, into the directory itself or below the prefix there.
    fn download_into(wd: &TempDir, below: &str) {
        let inputs = wd.path().join(INPUTS_DIR).join(below);
        fs::create_dir_all(inputs.join(RENAMED_DIR)).unwrap();
        fs::write(inputs.join("plain"), "plain\n").unwrap();
        fs::write(inputs.join(RENAMED_DIR).join("0"), "odd\n").unwrap();
    }

    fn run(wd: &TempDir) -> Output {
        let script = Script {
            link: wd.path().join("link").display().to_string(),
            directory: "run".to_owned(),
            output_dir: None,
            argv: Argv::new(["/bin/sh", "-c", COMMAND].map(str::to_owned).into()).unwrap(),
            report: None,
        };
        let inputs = Inputs {
            files: vec![file("plain", None), file("a\\b", Some(0))],
            directories: vec![directory("closed", 0o555), directory("closed/in", 0o755)],
        };
        fs::write(wd.path().join("script"), script.staged_text(&inputs, PREFIX)).unwrap();
        let mut shell = Command::new("/bin/sh");
        let shell = shell.arg(wd.path().join("script"));
        shell.env("AZ_BATCH_TASK_WORKING_DIR", wd.path()).output().unwrap()
    }

    fn said(output: &Output) -> (String, String) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    fn is_said(output: &Output, expected: &str) {
        assert_eq!(said(output), (expected.to_owned(), String::new()));
    }

    #[test]
    fn a_retry_finds_the_directory_as_the_run_before_has_left_it() {
        for below in ["", PREFIX] {
            let wd = tempfile::tempdir().unwrap();
            download_into(&wd, below);
            is_said(&run(&wd), "plain\nodd\nclosed/in\n");
            is_said(&run(&wd), "plain\nmore\nodd\nclosed/in\n");
        }
    }

    #[test]
    fn a_new_download_is_put_into_its_place_again() {
        for below in ["", PREFIX] {
            let wd = tempfile::tempdir().unwrap();
            for _ in 0..2 {
                download_into(&wd, below);
                is_said(&run(&wd), "plain\nodd\nclosed/in\n");
            }
        }
    }
}
