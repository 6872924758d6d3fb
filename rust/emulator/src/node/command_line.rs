//! Splits a task's command line into its arguments.
//!
//! The service runs no shell and does not publish its rules, so a client should send lines that
//! mean the same by either of these.

mod argvw;
mod posix;
#[cfg(test)]
mod properties;

use crate::settings::Splitting;

/// The arguments of a command line, or why it cannot be split.
pub(crate) fn split(line: &str, rules: Splitting) -> Result<Vec<String>, String> {
    match rules {
        Splitting::Posix => posix::split(line),
        Splitting::Argvw => Ok(argvw::split(line)),
    }
}
