//! Splits a task's command line into arguments.
//!
//! The service runs no shell and does not document its rules, so clients should send lines that
//! both variants split in the same way.

mod argvw;
mod posix;
#[cfg(test)]
mod properties;

use crate::settings::Splitting;

/// Returns the arguments of a command line, or why it cannot be split.
pub(crate) fn split(line: &str, rules: Splitting) -> Result<Vec<String>, String> {
    match rules {
        Splitting::Posix => posix::split(line),
        Splitting::Argvw => Ok(argvw::split(line)),
    }
}
