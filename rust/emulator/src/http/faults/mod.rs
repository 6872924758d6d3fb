//! Faults of requests: what becomes of a request or of its answer instead of what should.

mod meet;
mod spec;

use std::time::Duration;

use super::operations::OperationName;
use crate::faults::armed::Counted;
use crate::faults::nth::Nth;
pub(super) use meet::meet;

/// A fault of the requests of an operation. Whatever arrives is struck, also what would be
/// refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFault {
    /// The operation; without it, any request.
    pub operation: Option<OperationName>,
    /// Which of these requests.
    pub nth: Nth,
    /// What becomes of it.
    pub what: RequestFailure,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// It is refused with an error of the catalogue.
    Refused {
        /// The error.
        by: Refusal,
        /// Whether it is carried out all the same.
        when: Moment,
        /// The seconds of a `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// The connection is closed without a byte of an answer.
    Dropped(Moment),
    /// No answer comes until the client goes away or the emulator ends.
    Stalled(Moment),
    /// It is carried out. Half of the answer's body comes, then the connection is closed; an
    /// answer without a body is dropped.
    Cut,
    /// It is carried out this much later.
    Delayed(Duration),
}

/// An error by which a service under strain refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 429 `TooManyRequests`.
    TooManyRequests,
    /// 500 `InternalError`.
    InternalError,
    /// 503 `ServerBusy`.
    ServerBusy,
}

/// Whether the request was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It was not.
    BeforeEffect,
    /// It was.
    AfterEffect,
}

impl Counted for RequestFault {
    /// The operation that a request names.
    type Event<'a> = Option<&'static str>;

    fn is_about(&self, named: Option<&'static str>) -> bool {
        self.operation.is_none_or(|operation| Some(operation.as_str()) == named)
    }

    fn nth(&self) -> Nth {
        self.nth
    }
}
