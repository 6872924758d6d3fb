//! Runs a container with bubblewrap, or as a plain process.
//!
//! The sandbox's file system is built from nothing: only the directories of this machine that are
//! named here exist in it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::container::Container;
use super::image::{ENTRY_POINT, Image, ImageFiles};

/// `AZ_BATCH_NODE_ROOT_DIR` in the sandbox.
pub(crate) const NODE_ROOT: &str = "/mnt/batch/tasks";
/// The user id and group id of tasks that are not elevated.
pub(crate) const TASK_USER: &str = "60001";
const IMAGE: &str = "/opt/image";
const STANDARD_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Directories of an image's root that the sandbox creates itself.
const OWN_DIRECTORIES: [&str; 6] = ["dev", "proc", "sys", "tmp", "mnt", "run"];

/// Files of this machine's `/etc` that programs in `/usr` need; each is mounted if it exists.
const HOST_ETC: [&str; 11] = [
    "alternatives",
    "ca-certificates",
    "ld.so.cache",
    "localtime",
    "nsswitch.conf",
    "resolv.conf",
    // Not all of ssl: it contains private keys of this machine.
    "ssl/certs",
    "ssl/openssl.cnf",
    "pki/ca-trust/extracted",
    "pki/tls/certs",
    "protocols",
];

/// Docker's default capabilities without those for device nodes and raw sockets. A sandbox that
/// root starts would otherwise keep all capabilities.
const CAPABILITIES: [&str; 10] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
];

/// Returns whether bubblewrap is installed and can create a sandbox here.
pub(crate) fn works() -> bool {
    let Some(bwrap) = find_bwrap() else { return false };
    std::process::Command::new(bwrap)
        .args(["--ro-bind", "/", "/", "--unshare-user", "--unshare-pid", "--unshare-uts"])
        .args(["--", "/bin/true"])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Returns the absolute path of bubblewrap, so that the task's PATH cannot select another program.
fn find_bwrap() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|entry| entry.join("bwrap")).find(|file| file.is_file())
}

/// Returns the command that runs these arguments in the container's sandbox.
pub(super) fn sandboxed(container: &Container, arguments: &[String]) -> Option<Command> {
    let mut command = Command::new(find_bwrap()?);
    let mut args = Arguments::default();
    args.add(["--unshare-pid", "--unshare-uts", "--unshare-ipc"]);
    // Without its own session the task could write to the emulator's terminal.
    args.add(["--die-with-parent", "--new-session"]);
    args.add(["--hostname", &container.host_name]);
    args.user(container.elevated);
    args.file_system(container);
    args.add([OsStr::new("--chdir"), container.working_directory.as_os_str()]);
    args.add(["--"]);
    command.args(args.0).args(arguments).env_clear();
    // In the environment instead of --setenv: every user of the machine can read arguments.
    let (image, home) = match container.image.as_ref().map(|image| &image.files) {
        Some(ImageFiles::Overlay(_)) => (Some(Path::new(IMAGE)), home(container.elevated)),
        Some(ImageFiles::Root(_)) => (None, home(container.elevated)),
        None => (None, container.working_directory.as_path()),
    };
    command.envs(environment(container, image, home));
    Some(command)
}

/// Returns the home directory. For a user that the image does not know it is the root directory, as
/// in docker.
fn home(elevated: bool) -> &'static Path {
    Path::new(if elevated { "/root" } else { "/" })
}

/// Returns the command that runs these arguments as a plain process.
pub(super) fn plain(container: &Container, arguments: &[String]) -> Option<Command> {
    let (program, rest) = arguments.split_first()?;
    let mut command = Command::new(program);
    let image = container.image.as_ref().map(Image::path);
    let home = &container.working_directory;
    command.args(rest).env_clear().envs(environment(container, image, home));
    command.current_dir(&container.working_directory);
    Some(command)
}

/// Returns the variables that every task has; its own settings override them. The image's bin comes
/// first in PATH.
fn environment(container: &Container, image: Option<&Path>, home: &Path) -> Vec<(String, String)> {
    let path = match image {
        Some(image) => format!("{}/bin:{STANDARD_PATH}", image.display()),
        None => STANDARD_PATH.to_owned(),
    };
    let mut variables = vec![
        ("PATH".to_owned(), path),
        ("HOME".to_owned(), home.display().to_string()),
        ("HOSTNAME".to_owned(), container.host_name.clone()),
    ];
    variables.extend(container.environment.clone());
    variables
}

/// The arguments of bubblewrap.
#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<S: AsRef<OsStr>, const N: usize>(&mut self, arguments: [S; N]) {
        self.0.extend(arguments.map(|argument| argument.as_ref().to_owned()));
    }

    fn bind(&mut self, how: &str, host: &Path, inside: &Path) {
        self.add([OsStr::new(how), host.as_os_str(), inside.as_os_str()]);
    }

    /// In its own user namespace the task has no privileges of the emulator's user, but owns that
    /// user's files, so no file needs another owner.
    fn user(&mut self, elevated: bool) {
        if elevated && nix::unistd::geteuid().is_root() {
            self.add(["--cap-drop", "ALL"]);
            CAPABILITIES.iter().for_each(|capability| self.add(["--cap-add", capability]));
        } else {
            let id = if elevated { "0" } else { TASK_USER };
            self.add(["--unshare-user", "--uid", id, "--gid", id]);
        }
    }

    fn file_system(&mut self, container: &Container) {
        match container.image.as_ref().map(|image| &image.files) {
            Some(ImageFiles::Root(root)) => self.image_root(root, &container.etc),
            Some(ImageFiles::Overlay(image)) => {
                self.host_root(&container.etc);
                self.add(["--dir", "/opt"]);
                self.bind("--ro-bind", image, Path::new(IMAGE));
            }
            None => self.host_root(&container.etc),
        }
        self.add(["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--dir", "/root"]);
        if let Some(bytes) = container.shared_memory {
            self.add(["--perms", "1777", "--size", &bytes.to_string(), "--tmpfs", "/dev/shm"]);
        }
        for mount in &container.mounts {
            // Parent directories that bubblewrap creates itself are not accessible to other users.
            self.directories(mount.inside.parent());
            let how = if mount.read_only { "--ro-bind" } else { "--bind" };
            self.bind(how, &mount.host, &mount.inside);
        }
    }

    fn directories(&mut self, path: Option<&Path>) {
        let path = path.unwrap_or(Path::new("/"));
        let mut parents: Vec<&Path> =
            path.ancestors().filter(|one| one.parent().is_some()).collect();
        parents.reverse();
        parents.into_iter().for_each(|one| self.add([OsStr::new("--dir"), one.as_os_str()]));
    }

    /// Mounts this machine's `/usr` without `/usr/local`.
    fn host_root(&mut self, etc: &Path) {
        self.add(["--ro-bind", "/usr", "/usr", "--tmpfs", "/usr/local"]);
        for name in ["bin", "sbin", "lib", "lib64"] {
            if Path::new("/usr").join(name).exists() {
                self.add(["--symlink", &format!("usr/{name}"), &format!("/{name}")]);
            }
        }
        self.add(["--dir", "/etc"]);
        for name in HOST_ETC {
            let file = Path::new("/etc").join(name);
            self.bind("--ro-bind-try", &file, &file);
        }
        for name in ["passwd", "group", "hosts", "hostname"] {
            self.bind("--ro-bind", &etc.join(name), &Path::new("/etc").join(name));
        }
    }

    /// Mounts the entries one by one, so that the root itself stays writable and mount points can
    /// be created.
    fn image_root(&mut self, root: &Path, etc: &Path) {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        for entry in entries {
            let inside = Path::new("/").join(entry.file_name());
            match std::fs::read_link(entry.path()) {
                _ if OWN_DIRECTORIES.iter().any(|own| *own == entry.file_name()) => {}
                // It describes the image, and is no file in it.
                _ if entry.file_name() == ENTRY_POINT => {}
                Ok(target) => self.bind("--symlink", &target, &inside),
                Err(_) => self.bind("--ro-bind", &entry.path(), &inside),
            }
        }
        for (name, file) in [
            ("hosts", etc.join("hosts")),
            ("hostname", etc.join("hostname")),
            ("resolv.conf", PathBuf::from("/etc/resolv.conf")),
        ] {
            let replaced = root.join("etc").join(name);
            if replaced.is_file() && !replaced.is_symlink() {
                self.bind("--ro-bind-try", &file, &Path::new("/etc").join(name));
            }
        }
    }
}
