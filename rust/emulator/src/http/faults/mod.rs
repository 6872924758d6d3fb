//! Faults of requests: the failures of a request or its response.

mod apply;
mod spec;

use std::time::Duration;

use super::operations::OperationName;
use crate::faults::active::FaultRule;
use crate::faults::nth::Nth;
pub(super) use apply::apply;

/// A fault of the requests of an operation. It also applies to requests that would be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestFault {
    /// The operation; `None` for any request.
    pub(crate) operation: Option<OperationName>,
    /// The numbers of the requests.
    pub(crate) nth: Nth,
    /// The failure.
    pub(crate) failure: RequestFailure,
}

/// The failure of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestFailure {
    /// It is refused with an error of the service.
    Refused {
        /// The error.
        by: Refusal,
        /// Whether the request is carried out all the same.
        point: FailurePoint,
        /// The seconds of the `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// The connection is closed without a byte of a response.
    Dropped(FailurePoint),
    /// No response is sent until the client disconnects or the emulator stops.
    Stalled(FailurePoint),
    /// The request is carried out. Half of the response body is sent, then the connection is
    /// closed; a response without a body is dropped.
    Cut,
    /// The request is carried out after this delay.
    Delayed(Duration),
}

/// An error with which an overloaded service refuses requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 429 `TooManyRequests`.
    TooManyRequests,
    /// 500 `InternalError`.
    InternalError,
    /// 503 `ServerBusy`.
    ServerBusy,
}

/// Whether a request was carried out before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailurePoint {
    /// It was not carried out.
    BeforeEffect,
    /// It was carried out.
    AfterEffect,
}

impl FaultRule for RequestFault {
    /// The title of the request's operation.
    type Event<'a> = Option<&'static str>;

    fn matches(&self, named: Option<&'static str>) -> bool {
        match self.operation {
            Some(operation) => Some(operation.as_str()) == named,
            // Any request to the Batch account.
            None => !named.is_some_and(OperationName::is_of_issuer),
        }
    }

    fn nth(&self) -> Nth {
        self.nth
    }
}
