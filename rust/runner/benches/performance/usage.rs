//! What a process has used of the machine.

use std::fs;

use nix::sys::resource::{UsageWho, getrusage};

/// CPU-seconds of this process.
pub(crate) fn cpu() -> f64 {
    cpu_of(UsageWho::RUSAGE_SELF)
}

/// CPU-seconds of the children that have ended.
pub(crate) fn cpu_of_children() -> f64 {
    cpu_of(UsageWho::RUSAGE_CHILDREN)
}

fn cpu_of(who: UsageWho) -> f64 {
    let usage = getrusage(who).unwrap();
    let (user, system) = (usage.user_time(), usage.system_time());
    (user.tv_sec() + system.tv_sec()) as f64
        + (user.tv_usec() + system.tv_usec()) as f64 / 1_000_000.0
}

/// The most memory that this process has had, in MiB.
pub(crate) fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// Threads of this process that have such a name.
pub(crate) fn threads(name: &str) -> usize {
    // Linux keeps 15 bytes.
    let name = &name[..name.len().min(15)];
    let names = fs::read_dir("/proc/self/task").unwrap().filter_map(|task| {
        // It may have ended meanwhile.
        fs::read_to_string(task.ok()?.path().join("comm")).ok()
    });
    names.filter(|comm| comm.trim_end() == name).count()
}
