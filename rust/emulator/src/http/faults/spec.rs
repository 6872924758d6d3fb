//! The text form of a request fault: `create-job#2..3=429,retry-after=1`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{FailurePoint, Refusal, RequestFailure, RequestFault};
use crate::faults::nth::Nth;
use crate::faults::option::number;

/// Stands for any request.
const ANY: &str = "any";

const KINDS: &str = "429, 500, 503, 429-after, 500-after, 503-after, drop-before, drop-after, \
    stall-before, stall-after, cut, delay";

impl RequestFault {
    /// Parses the parts of `create-job#1=503`.
    ///
    /// # Errors
    /// Names the part that is wrong.
    pub(crate) fn parse(operation: &str, nth: Nth, failure: &str) -> Result<RequestFault, String> {
        let operation = if operation == ANY { None } else { Some(operation.parse()?) };
        Ok(RequestFault { operation, nth, failure: failure.parse()? })
    }
}

impl FromStr for RequestFailure {
    type Err = String;

    fn from_str(text: &str) -> Result<RequestFailure, String> {
        let (kind, option) = match text.split_once(',') {
            Some((kind, option)) => (kind, Some(option)),
            None => (text, None),
        };
        match (kind, option) {
            ("delay", Some(option)) => number(option, "ms")
                .map(|millis| Self::Delayed(Duration::from_millis(millis.into()))),
            ("delay", None) => Err("'delay' needs milliseconds: delay,ms=500".to_owned()),
            (kind, option) if let Some((by, point)) = refusal(kind) => {
                let retry_after = option.map(|option| number(option, "retry-after")).transpose()?;
                Ok(Self::Refused { by, point, retry_after })
            }
            (kind, Some(option)) => Err(format!("'{kind}' has no option '{option}'")),
            ("drop-before", None) => Ok(Self::Dropped(FailurePoint::BeforeEffect)),
            ("drop-after", None) => Ok(Self::Dropped(FailurePoint::AfterEffect)),
            ("stall-before", None) => Ok(Self::Stalled(FailurePoint::BeforeEffect)),
            ("stall-after", None) => Ok(Self::Stalled(FailurePoint::AfterEffect)),
            ("cut", None) => Ok(Self::Cut),
            (kind, None) => {
                Err(format!("'{kind}' is not a failure of a request; use one of {KINDS}"))
            }
        }
    }
}

/// Parses `429` or `429-after`.
fn refusal(kind: &str) -> Option<(Refusal, FailurePoint)> {
    let (status, point) = match kind.strip_suffix("-after") {
        Some(status) => (status, FailurePoint::AfterEffect),
        None => (kind, FailurePoint::BeforeEffect),
    };
    let by = match status {
        "429" => Refusal::TooManyRequests,
        "500" => Refusal::InternalError,
        "503" => Refusal::ServerBusy,
        _ => return None,
    };
    Some((by, point))
}

impl fmt::Display for RequestFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(operation) => write!(formatter, "{operation}")?,
            None => formatter.write_str(ANY)?,
        }
        write!(formatter, "{}={}", self.nth, self.failure)
    }
}

impl fmt::Display for RequestFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { by, point, retry_after } => {
                write!(formatter, "{}", by.code().status().as_u16())?;
                if *point == FailurePoint::AfterEffect {
                    write!(formatter, "-{point}")?;
                }
                retry_after.map_or(Ok(()), |after| write!(formatter, ",retry-after={after}"))
            }
            Self::Dropped(point) => write!(formatter, "drop-{point}"),
            Self::Stalled(point) => write!(formatter, "stall-{point}"),
            Self::Cut => formatter.write_str("cut"),
            Self::Delayed(time) => write!(formatter, "delay,ms={}", time.as_millis()),
        }
    }
}

impl fmt::Display for FailurePoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            FailurePoint::BeforeEffect => "before",
            FailurePoint::AfterEffect => "after",
        })
    }
}
