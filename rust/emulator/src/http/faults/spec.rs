//! The text of a request's fault: `create-job#2..3=429,retry-after=1`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Moment, Refusal, RequestFailure, RequestFault};
use crate::faults::nth::Nth;

/// What stands for any request.
const ANY: &str = "any";

const KINDS: &str = "429, 500, 503, drop-before, drop-after, stall-before, stall-after, cut, delay";

impl FromStr for RequestFault {
    type Err = String;

    fn from_str(text: &str) -> Result<RequestFault, String> {
        let (when, what) = text
            .split_once('=')
            .ok_or_else(|| format!("'{text}' is not of the form OPERATION[#N]=FAILURE"))?;
        let (operation, nth) = match when.split_once('#') {
            Some((operation, nth)) => (operation, nth.parse()?),
            None => (when, Nth::EVERY),
        };
        let operation = if operation == ANY { None } else { Some(operation.parse()?) };
        Ok(RequestFault { operation, nth, what: what.parse()? })
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
            ("429" | "500" | "503", option) => {
                let retry_after = option.map(|option| number(option, "retry-after")).transpose()?;
                Ok(Self::Refused { by: refusal(kind), retry_after })
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

fn refusal(status: &str) -> Refusal {
    match status {
        "429" => Refusal::TooManyRequests,
        "503" => Refusal::ServerBusy,
        _ => Refusal::InternalError,
    }
}

fn number(option: &str, name: &str) -> Result<u32, String> {
    let value = option.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    let number = value.and_then(|value| value.parse().ok());
    number.ok_or_else(|| format!("'{option}' is not {name}=NUMBER"))
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
            Self::Refused { by, retry_after } => {
                write!(formatter, "{}", by.code().status().as_u16())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_and_written_as_the_same_text() {
        for text in [
            "any=429",
            "create-job=429,retry-after=2",
            "create-job#1=500",
            "get-task-file#2..3=503,retry-after=0",
            "any#7..=drop-before",
            "delete-job=drop-after",
            "terminate-job=stall-before",
            "get-task#1..2=stall-after",
            "list-jobs=cut",
            "get-job=delay,ms=500",
        ] {
            assert_eq!(text.parse::<RequestFault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_operation_can_be_written_as_its_page_is_titled() {
        let fault: RequestFault = "Create Job=500".parse().unwrap();
        assert_eq!(fault.to_string(), "create-job=500");
    }

    #[test]
    fn the_part_that_is_wrong_is_named() {
        for (text, part) in [
            ("create-job", "OPERATION[#N]=FAILURE"),
            ("make-job=500", "make-job"),
            ("create-job#0=500", "#0"),
            ("create-job=404", "'404' is no failure"),
            ("create-job=429,after=3", "'after=3' is not retry-after=NUMBER"),
            ("create-job=429,retry-after=soon", "retry-after=soon"),
            ("create-job=delay", "ms=500"),
            ("create-job=delay,ms=-1", "ms=-1"),
            ("create-job=cut,ms=1", "'cut' has no option 'ms=1'"),
        ] {
            let error = text.parse::<RequestFault>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
