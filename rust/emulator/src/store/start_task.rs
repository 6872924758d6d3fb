//! The start task of a node.

use time::OffsetDateTime;

use super::task::End;

/// The execution of a start task; without an end it is running.
#[derive(Clone)]
pub(crate) struct StartTaskInfo {
    pub(crate) started: OffsetDateTime,
    pub(crate) ended: Option<OffsetDateTime>,
    pub(crate) retries: u32,
    pub(crate) last_retry: Option<OffsetDateTime>,
    pub(crate) end: Option<End>,
}

impl StartTaskInfo {
    /// Returns a start task that starts now.
    pub(crate) fn begin() -> StartTaskInfo {
        let started = OffsetDateTime::now_utc();
        StartTaskInfo { started, ended: None, retries: 0, last_retry: None, end: None }
    }

    /// Starts another attempt.
    pub(crate) fn retry(&mut self) {
        *self = StartTaskInfo { retries: self.retries + 1, ..StartTaskInfo::begin() };
        self.last_retry = Some(self.started);
    }

    /// Records the end of the attempt.
    pub(crate) fn complete(&mut self, end: End) {
        self.ended = Some(OffsetDateTime::now_utc());
        self.end = Some(end);
    }
}
