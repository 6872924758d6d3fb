//! Start tasks.

/// The start task of a pool: a command that runs on each node, without a container, whenever the
/// node starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartTask {
    /// The command.
    pub command_line: String,
    /// Whether the node takes tasks only once the start task has succeeded.
    pub wait_for_success: bool,
    /// How often a non-zero exit is retried; -1 without limit.
    pub max_task_retry_count: i32,
}

impl From<&str> for StartTask {
    /// Returns a start task with this command that must succeed, without retries.
    fn from(command_line: &str) -> StartTask {
        let command_line = command_line.to_owned();
        StartTask { command_line, wait_for_success: true, max_task_retry_count: 0 }
    }
}
