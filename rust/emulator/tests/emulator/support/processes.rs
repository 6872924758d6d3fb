//! Finds processes on this machine.

use std::sync::atomic::{AtomicU32, Ordering};

/// Returns a number of seconds to sleep that no other test on this machine uses; it identifies the
/// process.
pub(crate) fn unique_sleep() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("9{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Returns how many processes have this argument.
pub(crate) fn count(argument: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .filter(|line| line.split(|byte| *byte == 0).any(|one| one == argument.as_bytes()))
        .count()
}
