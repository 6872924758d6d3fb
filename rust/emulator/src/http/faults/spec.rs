//! The text of a request's fault: `create-job#2..3=429,retry-after=1`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Moment, Refusal, RequestFailure, RequestFault};
use crate::faults::nth::Nth;
use crate::faults::option::number;

/// What stands for any request.
const ANY: &str = "any";

const KINDS: &str = "429, 500, 503, 429-after, 500-after, 503-after, drop-before, drop-after, \
    stall-before, stall-after, cut, delay";

impl RequestFault {
    /// Reads the parts of `create-job#1=503`.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub(crate) fn read(operation: &str, nth: Nth, failure: &str) -> Result<RequestFault, String> {
        let operation = if operation == ANY { None } else { Some(operation.parse()?) };
        Ok(RequestFault { operation, nth, what: failure.parse()? })
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
            ("delay", None) => Err("'delay' needs its milliseconds: delay,ms=500".to_owned()),
            (kind, option) if let Some((by, when)) = refusal(kind) => {
                let retry_after = option.map(|option| number(option, "retry-after")).transpose()?;
                Ok(Self::Refused { by, when, retry_after })
            }
            (kind, Some(option)) => Err(format!("'{kind}' has no option '{option}'")),
            ("drop-before", None) => Ok(Self::Dropped(Moment::BeforeEffect)),
            ("drop-after", None) => Ok(Self::Dropped(Moment::AfterEffect)),
            ("stall-before", None) => Ok(Self::Stalled(Moment::BeforeEffect)),
            ("stall-after", None) => Ok(Self::Stalled(Moment::AfterEffect)),
            ("cut", None) => Ok(Self::Cut),
            (kind, None) => Err(format!("'{kind}' is no failure of a request; there are {KINDS}")),
        }
    }
}

/// Reads `429` or `429-after`.
fn refusal(kind: &str) -> Option<(Refusal, Moment)> {
    let (status, when) = match kind.strip_suffix("-after") {
        Some(status) => (status, Moment::AfterEffect),
        None => (kind, Moment::BeforeEffect),
    };
    let by = match status {
        "429" => Refusal::TooManyRequests,
        "500" => Refusal::InternalError,
        "503" => Refusal::ServerBusy,
        _ => return None,
    };
    Some((by, when))
}

impl fmt::Display for RequestFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(operation) => write!(formatter, "{operation}")?,
            None => formatter.write_str(ANY)?,
        }
        write!(formatter, "{}={}", self.nth, self.what)
    }
}

impl fmt::Display for RequestFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { by, when, retry_after } => {
                write!(formatter, "{}", by.code().status().as_u16())?;
                if *when == Moment::AfterEffect {
                    write!(formatter, "-{when}")?;
                }
                retry_after.map_or(Ok(()), |after| write!(formatter, ",retry-after={after}"))
            }
            Self::Dropped(moment) => write!(formatter, "drop-{moment}"),
            Self::Stalled(moment) => write!(formatter, "stall-{moment}"),
            Self::Cut => formatter.write_str("cut"),
            Self::Delayed(time) => write!(formatter, "delay,ms={}", time.as_millis()),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Moment::BeforeEffect => "before",
            Moment::AfterEffect => "after",
        })
    }
}
