//! The start task of a node.

use time::OffsetDateTime;

use super::task::End;

/// What became of a start task; without an end it runs.
#[derive(Clone)]
pub(crate) struct StartTaskInfo {
    pub(crate) started: OffsetDateTime,
    pub(crate) ended: Option<OffsetDateTime>,
    pub(crate) retries: u32,
    pub(crate) last_retry: Option<OffsetDateTime>,
    pub(crate) end: Option<End>,
}

impl StartTaskInfo {
    /// A start task that has just begun.
    pub(crate) fn begin() -> StartTaskInfo {
        let started = OffsetDateTime::now_utc();
        StartTaskInfo { started, ended: None, retries: 0, last_retry: None, end: None }
    }

    /// Begins another try.
    pub(crate) fn retry(&mut self) {
        *self = StartTaskInfo { retries: self.retries + 1, ..StartTaskInfo::begin() };
        self.last_retry = Some(self.started);
    }

    /// Ends the try that goes on.
    pub(crate) fn complete(&mut self, end: End) {
        self.ended = Some(OffsetDateTime::now_utc());
        self.end = Some(end);
    }
}
