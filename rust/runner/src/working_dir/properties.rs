//! Any tree with links, against what the system says of where a name leads.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::WorkingDir;

const SECRET: &[u8] = b"nobody may read this";

#[derive(Clone, Debug)]
enum Kind {
    File,
    Directory,
    Fifo,
    /// To a path that is taken as it is.
    Link(String),
    /// To a path below the directory that the working directory is in, written absolute.
    Absolute(String),
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c", ".."]), 1..5)
        .prop_map(|parts| parts.join("/"))
}

fn kind() -> impl Strategy<Value = Kind> {
    let outside = ["..", "../secret", ".", "/", "/proc/self/root", "/dev/zero", "/etc", "../wd/a"];
    prop_oneof![
        3 => Just(Kind::File),
        2 => Just(Kind::Directory),
        1 => Just(Kind::Fifo),
        2 => name().prop_map(Kind::Link),
        2 => prop::sample::select(outside.to_vec()).prop_map(|to| Kind::Link(to.to_owned())),
        1 => name().prop_map(|name| Kind::Absolute(format!("wd/{name}"))),
        1 => Just(Kind::Absolute("secret".to_owned())),
    ]
}

/// What cannot be made is left out; nothing is made through a link that was made before.
fn make(outer: &Path, name: &str, kind: &Kind) {
    let root = outer.join("wd");
    let path = root.join(name.replace("..", "d"));
    let parents = path.ancestors().skip(1).take_while(|parent| *parent != root);
    if parents.into_iter().any(Path::is_symlink) || path.is_symlink() || path.exists() {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).ok();
    let _ = match kind {
        Kind::File => fs::write(&path, name),
        Kind::Directory => fs::create_dir_all(&path),
        Kind::Fifo => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).map_err(Into::into),
        Kind::Link(to) => symlink(to, &path),
        Kind::Absolute(to) => symlink(outer.join(to), &path),
    };
}

/// The file that a name leads to, if that is a regular one below the directory.
fn leads_to(root: &Path, name: &str) -> Option<PathBuf> {
    let place = root.join(name).canonicalize().ok()?;
    (place.starts_with(root) && place.is_file()).then_some(place)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn what_is_below_the_directory_is_read_and_nothing_else_is_read_or_written(
        entries in prop::collection::vec((name(), kind()), 0..12),
        names in prop::collection::vec(name(), 1..12),
    ) {
        let outer = tempfile::tempdir().unwrap();
        let outer = outer.path().canonicalize().unwrap();
        let root = outer.join("wd");
        fs::create_dir(&root).unwrap();
        fs::write(outer.join("secret"), SECRET).unwrap();
        entries.iter().for_each(|(name, kind)| make(&outer, name, kind));
        let working_dir = Arc::new(WorkingDir::open(&root).unwrap());
        for name in entries.iter().map(|(name, _)| name).chain(&names) {
            let expected = leads_to(&root, name).map(|place| fs::read(place).unwrap());
            let name = Path::new(name);
            let size = working_dir.open_file(name).ok().map(|file| file.metadata().unwrap().len());
            prop_assert_eq!(size, expected.as_ref().map(|content| content.len() as u64), "{:?}", name);
            let content = size.and_then(|size| working_dir.read(name, 0, size).ok());
            prop_assert_eq!(content, expected, "{:?}", name);
        }
        for name in &names {
            if let Ok(new) = working_dir.create(name) {
                (&new.file).write_all(b"new").unwrap();
                new.persist().ok();
            }
        }
        prop_assert_eq!(fs::read(outer.join("secret")).unwrap(), SECRET);
        prop_assert_eq!(fs::read_dir(&outer).unwrap().count(), 2);
    }
}
