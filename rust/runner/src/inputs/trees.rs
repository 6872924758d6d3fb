//! Random working directories: any name that Linux allows, any mode, any kind of file, and links that stay inside.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    File {
        size: usize,
        mode: u32,
    },
    Directory {
        mode: u32,
    },
    /// To a path below the working directory.
    Link {
        to: Vec<Vec<u8>>,
        is_absolute: bool,
    },
    Fifo,
}

/// Paths, part by part, and what is there.
pub(crate) type Tree = Vec<(Vec<Vec<u8>>, Node)>;

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    File { content: Vec<u8>, mode: u32 },
    Directory { mode: u32 },
}

/// Names that paths share, so that links lead somewhere.
const DIRECTORIES: [&[u8]; 6] = [b"a", b"b", b" c ", b"d.", b"e\\f", b"\xff"];

const AWKWARD: [&[u8]; 12] = [
    b"-rf",
    b"--",
    b"~",
    b"it's",
    b"\"$HOME`x`",
    b"tab\tnewline\n",
    b"...",
    b"kestra-renamed",
    b"*?[a]{b,c}",
    b"\xc3\xa9",
    b"e\xcc\x81",
    b"\xe2\x80\xa8#%+&;:|^()=",
];

fn name() -> impl Strategy<Value = Vec<u8>> {
    let any = prop::collection::vec(any::<u8>(), 1..12).prop_map(|bytes| {
        bytes.into_iter().map(|byte| if matches!(byte, 0 | b'/') { b' ' } else { byte }).collect()
    });
    let names = prop_oneof![
        3 => prop::sample::select(AWKWARD.to_vec()).prop_map(<[u8]>::to_vec),
        2 => any,
        2 => "\\PC{1,8}".prop_map(|name| name.replace('/', " ").into_bytes()),
        2 => "[a-z]{1,3}".prop_map(String::into_bytes),
        1 => prop::sample::select(vec![b'x', b'\'', b'.', 0xff]).prop_map(|byte| vec![byte; 255]),
    ];
    names.prop_filter("the names of directories", |name| !matches!(name.as_slice(), b"." | b".."))
}

fn place() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let directory = prop::sample::select(DIRECTORIES.to_vec()).prop_map(<[u8]>::to_vec);
    prop::collection::vec(directory, 0..3)
}

fn path() -> impl Strategy<Value = Vec<Vec<u8>>> {
    (place(), prop_oneof![2 => name(), 1 => place().prop_map(|place| place.concat())]).prop_map(
        |(mut path, name)| {
            path.push(if name.is_empty() { b"x".to_vec() } else { name });
            path
        },
    )
}

fn node() -> impl Strategy<Value = Node> {
    let mode = prop::sample::select(vec![0o644, 0o755, 0o600, 0o444, 0o777, 0o640, 0o400]);
    let closed = prop::sample::select(vec![0o755, 0o700, 0o775, 0o555]);
    prop_oneof![
        12 => (0..40_usize, mode).prop_map(|(size, mode)| Node::File { size, mode }),
        3 => closed.prop_map(|mode| Node::Directory { mode }),
        2 => (place(), any::<bool>()).prop_map(|(to, is_absolute)| Node::Link { to, is_absolute }),
        1 => Just(Node::Fifo),
    ]
}

pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    prop::collection::vec((path(), node()), 0..14)
}

fn join(parts: &[Vec<u8>]) -> PathBuf {
    parts.iter().map(|part| OsStr::from_bytes(part)).collect()
}

/// What is in the way of something else is left out, and so is the fourth link: links multiply.
pub(crate) fn make(root: &Path, tree: &Tree) {
    let mut links = 0;
    for (parts, node) in tree {
        let path = root.join(join(parts));
        let parents = path.ancestors().skip(1).take_while(|parent| *parent != root);
        if path.symlink_metadata().is_ok() || parents.into_iter().any(Path::is_symlink) {
            continue;
        }
        let is_link = matches!(node, Node::Link { .. });
        links += usize::from(is_link);
        if fs::create_dir_all(path.parent().unwrap()).is_err() || (is_link && links > 3) {
            continue;
        }
        let _ = match node {
            Node::File { size, .. } => fs::write(&path, content(parts, *size)),
            Node::Directory { .. } => fs::create_dir(&path),
            Node::Fifo => {
                nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).map_err(Into::into)
            }
            Node::Link { to, is_absolute: true } => symlink(root.join(join(to)), &path),
            Node::Link { to, is_absolute: false } => {
                symlink(Path::new(&"../".repeat(parts.len() - 1)).join(".").join(join(to)), &path)
            }
        };
        if let Node::File { mode, .. } | Node::Directory { mode } = node
            && path.exists()
        {
            fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
        }
    }
}

fn content(parts: &[Vec<u8>], size: usize) -> Vec<u8> {
    parts.concat().into_iter().cycle().take(size).collect()
}

/// All files and directories, links followed, by what the system says of them.
pub(crate) fn found(root: &Path) -> BTreeMap<PathBuf, Found> {
    let mut all = BTreeMap::new();
    collect(root, Path::new(""), &[root.canonicalize().unwrap()], &mut all);
    all
}

fn collect(root: &Path, path: &Path, within: &[PathBuf], all: &mut BTreeMap<PathBuf, Found>) {
    for entry in fs::read_dir(root.join(path)).unwrap() {
        let path = path.join(entry.unwrap().file_name());
        let place = root.join(&path);
        let Ok(data) = place.metadata() else { continue };
        let mode = data.permissions().mode() & 0o777;
        if data.is_file() {
            let content = fs::read(&place).unwrap();
            all.insert(path, Found::File { content, mode });
        } else if data.is_dir() {
            let real = place.canonicalize().unwrap();
            if !within.contains(&real) {
                all.insert(path.clone(), Found::Directory { mode });
                collect(root, &path, &[within, &[real]].concat(), all);
            }
        }
    }
}
