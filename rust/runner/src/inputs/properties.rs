//! Any working directory, brought to its place by the script, in every shell that there is.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;

use super::trees::{self, Tree};
use super::{InputFile, Inputs};
use crate::command::{Argv, Script};
use crate::names::RunNames;
use crate::working_dir::{Contents, WorkingDir};

const DIRECTORY: &str = "kestra-3f9a0c5e7b1d2468ace0-5c0ffee5c0ff";
const SHELLS: [&[&str]; 3] = [&["/bin/sh"], &["/bin/bash", "--posix"], &["/bin/busybox", "sh"]];

/// The working directory on a node, after a download as Batch does it.
fn stage(local: &Path, wd: &Path, shell: &[&str], keeps_prefix: bool) -> PathBuf {
    let names = RunNames::new("job-1", DIRECTORY).unwrap();
    let Contents { entries, .. } = WorkingDir::open(local).unwrap().walk(None).unwrap();
    let inputs = Inputs::new(entries, &names);
    for file in &inputs.files {
        let blob = file.blob(&names);
        let blob = if keeps_prefix { &blob } else { blob.strip_prefix(&names.inputs()).unwrap() };
        download(local, file, &wd.join("kestra-in").join(blob), inputs.file_mode().unwrap());
    }
    let script = Script {
        link: wd.join("link").display().to_string(),
        directory: "run".to_owned(),
        output_dir: None,
        argv: Argv::new(vec!["true".to_owned()]).unwrap(),
        report: None,
    };
    fs::write(wd.join("script"), script.staged_text(&inputs, &names.inputs())).unwrap();
    let (program, options) = shell.split_first().unwrap();
    let mut command = Command::new(program);
    command.args(options).arg(wd.join("script")).env("AZ_BATCH_TASK_WORKING_DIR", wd);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stderr, b"");
    wd.join("run")
}

fn download(local: &Path, file: &InputFile, to: &Path, mode: u32) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(to, fs::read(local.join(&file.path)).unwrap()).unwrap();
    fs::set_permissions(to, Permissions::from_mode(mode)).unwrap();
}

fn arrives(tree: &Tree, keeps_prefix: bool) {
    let local = tempfile::tempdir().unwrap();
    trees::make(local.path(), tree);
    let expected = trees::found(local.path());
    for shell in SHELLS.into_iter().filter(|shell| Path::new(shell[0]).exists()) {
        let wd = tempfile::tempdir().unwrap();
        let staged = stage(local.path(), wd.path(), shell, keeps_prefix);
        assert_eq!(trees::found(&staged), expected, "{shell:?}");
        assert!(!wd.path().join("kestra-renamed").exists());
    }
}

/// More of them where `KESTRA_LONG` is set.
fn cases() -> ProptestConfig {
    ProptestConfig::with_cases(if env::var_os("KESTRA_LONG").is_some() { 1_000 } else { 50 })
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn any_working_directory_arrives_as_it_is(tree in trees::tree(), keeps_prefix in any::<bool>()) {
        arrives(&tree, keeps_prefix);
    }
}
