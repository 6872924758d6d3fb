//! What a process tree uses: `/proc` counts what processes and the children that they waited for
//! have used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::statistics::Usage;

/// The most processes of a tree that are looked at.
const MAX_PROCESSES: usize = 4_096;
/// The unit of CPU times in `/proc`: a hundredth of a second on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// Returns what the processes of a tree that still exist have used.
pub(super) fn of_tree(root: i32) -> Usage {
    let (mut total, mut waiting, mut seen) = (Usage::default(), vec![root], 0);
    while let Some(pid) = waiting.pop().filter(|_| seen < MAX_PROCESSES) {
        let process = PathBuf::from(format!("/proc/{pid}"));
        total += of_process(&process).unwrap_or_default();
        waiting.extend(children(&process));
        seen += 1;
    }
    total
}

/// Returns the children of all threads of a process.
fn children(process: &Path) -> Vec<i32> {
    let threads = std::fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|one| std::fs::read_to_string(one.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}

fn of_process(process: &Path) -> Option<Usage> {
    let times = cpu_times(&std::fs::read_to_string(process.join("stat")).ok()?)?;
    // Not readable for a process of another user.
    let io = std::fs::read_to_string(process.join("io")).unwrap_or_default();
    Some(Usage {
        user: times.0,
        kernel: times.1,
        reads: counter(&io, "syscr"),
        writes: counter(&io, "syscw"),
        bytes_read: counter(&io, "read_bytes"),
        bytes_written: counter(&io, "write_bytes"),
    })
}

fn counter(io: &str, name: &str) -> u64 {
    let value = io.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// Returns user and kernel time, each with that of waited-for children.
fn cpu_times(stat: &str) -> Option<(Duration, Duration)> {
    // The name of the program, in parentheses, may contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: Vec<u32> =
        fields.split_whitespace().skip(11).take(4).filter_map(|one| one.parse().ok()).collect();
    let [user, kernel, user_of_children, kernel_of_children] = ticks[..] else { return None };
    Some((TICK * (user + user_of_children), TICK * (kernel + kernel_of_children)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_times_are_read_after_any_program_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 9 9 9 9 150 20 3 4 20 0 1 0 5 6 7";
        let millis = Duration::from_millis;
        assert_eq!(cpu_times(stat), Some((millis(1_530), millis(240))));
        for wrong in ["", "7 (sh)", "7 (sh) S 1 2 3", "7 sh S 1 2 3 4 5 6 7 8 9 10 11 12 13 14"] {
            assert_eq!(cpu_times(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn counters_are_read_by_their_names() {
        let io = "rchar: 1\nsyscr: 3\nread_bytes: 4096\ncancelled_write_bytes: 7\nwrite_bytes: 5\n";
        let counters =
            ["syscr", "read_bytes", "write_bytes", "syscw"].map(|name| counter(io, name));
        assert_eq!(counters, [3, 4096, 5, 0]);
    }

    #[test]
    fn a_tree_includes_the_children_of_its_processes() {
        let mut child = std::process::Command::new("sh")
            .args([
                "-c",
                "dd if=/dev/zero of=/dev/null bs=1 count=50000 2>/dev/null; exec sleep 60",
            ])
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut usage = Usage::default();
        for _ in 0..500 {
            usage = usage.max(of_tree(pid));
            if usage.reads >= 50_000 {
                break;
            }
            std::thread::sleep(TICK);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(usage.reads >= 50_000 && usage.writes >= 50_000, "{usage:?}");
    }
}
