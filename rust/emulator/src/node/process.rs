//! The process tree of a task.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::usage;
use crate::store::statistics::Usage;

/// How often the process table is searched for processes that are started while the tree is killed.
const SWEEPS: usize = 20;
/// After which time the use of a tree is measured first; the pauses double then.
const FIRST_MEASUREMENT: Duration = Duration::from_millis(5);
/// The longest pause between two measurements.
const MEASUREMENTS: Duration = Duration::from_millis(200);

/// The running process trees, by the id of their first process.
#[derive(Clone, Default)]
pub(super) struct Processes(Arc<Mutex<BTreeMap<i32, Marker>>>);

/// How to find the processes of a tree that left its process group.
#[derive(Clone)]
pub(super) enum Marker {
    /// The tree is a PID namespace and ends with its first process.
    Namespace,
    /// Every process has this directory of its task in its environment: a grandchild may leave the
    /// group but keeps its environment.
    TaskDirectory(PathBuf),
}

/// A running process tree. Dropping it kills it.
pub(super) struct ProcessTree {
    child: Child,
    pid: i32,
    usage: watch::Sender<Usage>,
    processes: Processes,
}

impl Processes {
    /// Starts a tree whose output is written directly to the files.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) fn spawn(
        &self,
        mut command: Command,
        (stdout, stderr): (File, File),
        marker: Marker,
        usage: watch::Sender<Usage>,
    ) -> io::Result<ProcessTree> {
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default();
        self.trees().insert(pid, marker);
        Ok(ProcessTree { child, pid, usage, processes: self.clone() })
    }

    /// Kills every tree.
    pub(super) fn kill_all(&self) {
        self.trees().iter().for_each(|(pid, marker)| kill_tree(*pid, marker));
    }

    fn trees(&self) -> MutexGuard<'_, BTreeMap<i32, Marker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessTree {
    /// Waits for the first process and returns its exit code; for a signal, 128 plus its number, as
    /// docker does. Remaining processes are killed, as in a container.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub(super) async fn wait(&mut self) -> io::Result<i32> {
        let status = self.measured_to_the_end().await?;
        // The first process is reaped, so its id may be reused: only the marker counts.
        let marker = self.processes.trees().remove(&self.pid);
        if let Some(Marker::TaskDirectory(directory)) = marker {
            // This reads the whole process table, which would block the runtime.
            spawn_blocking(move || sweep(&directory)).await.map_err(io::Error::other)?;
        }
        Ok(exit_code(status))
    }

    /// Waits for the first process, and measures what the tree uses meanwhile.
    async fn measured_to_the_end(&mut self) -> io::Result<ExitStatus> {
        let mut pause = FIRST_MEASUREMENT;
        loop {
            tokio::select! {
                status = self.child.wait() => return status,
                () = sleep(pause) => {}
            }
            self.measure().await;
            pause = (2 * pause).min(MEASUREMENTS);
        }
    }

    /// Measures what the tree has used. Nothing tells what a process used that is gone, so this is
    /// done again and again.
    async fn measure(&self) {
        let pid = self.pid;
        // This may read the files of many processes, which would block the runtime.
        if let Ok(used) = spawn_blocking(move || usage::of_tree(pid)).await {
            self.usage.send_modify(|usage| *usage = usage.max(used));
        }
    }

    /// Kills the tree and waits until its first process is gone.
    pub(super) async fn end(&mut self) {
        self.measure().await;
        self.kill();
        // An error would mean that the process is no longer our child.
        drop(self.child.wait().await);
    }

    fn kill(&self) {
        if let Some(marker) = self.processes.trees().remove(&self.pid) {
            kill_tree(self.pid, &marker);
        }
    }
}

impl Drop for ProcessTree {
    fn drop(&mut self) {
        self.kill();
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

fn kill_tree(pid: i32, marker: &Marker) {
    if pid > 0 {
        // The group may already be gone.
        killpg(Pid::from_raw(pid), Signal::SIGKILL).ok();
    }
    if let Marker::TaskDirectory(directory) = marker {
        sweep(directory);
    }
}

/// Kills the processes with the task's directory in their environment until none is found.
fn sweep(directory: &Path) {
    let variable = format!("AZ_BATCH_TASK_DIR={}", directory.display());
    for _ in 0..SWEEPS {
        let found = processes_with(variable.as_bytes());
        if found.is_empty() {
            return;
        }
        for pid in found {
            // The process may already be gone.
            kill(pid, Signal::SIGKILL).ok();
        }
    }
}

fn processes_with(variable: &[u8]) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let found = environment.split(|byte| *byte == 0).any(|one| one == variable);
            found.then(|| Pid::from_raw(pid))
        })
        .collect()
}
