//! Fault injection: what fails and when, as data. `http` and `node` check for faults where they
//! occur; operations and rules do not know about them.

pub(crate) mod active;
pub(crate) mod nth;
pub(crate) mod option;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use crate::http::faults::RequestFault;
use crate::node::faults::NodeFault;
use active::{ActiveFaults, Count};
use nth::Nth;

/// A failure to inject, and when. It is parsed from text such as `create-job#1=503`; see
/// `docs/emulator.md` for the syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(FaultKind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum FaultKind {
    /// A request that fails: `create-job#1=503`.
    Request(RequestFault),
    /// A node action that fails: `node-get-blob#1=denied`.
    Node(NodeFault),
}

/// An injected fault and its counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FaultCount {
    /// The fault as text.
    pub fault: String,
    /// The matching events since the fault was added.
    pub seen: u64,
    /// How often the fault fired.
    pub fired: u64,
}

/// All injected faults.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) requests: ActiveFaults<RequestFault>,
    pub(crate) nodes: Arc<ActiveFaults<NodeFault>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        match fault.0 {
            FaultKind::Request(fault) => self.requests.add(fault),
            FaultKind::Node(fault) => self.nodes.add(fault),
        }
    }

    pub(crate) fn clear(&self) {
        self.requests.clear();
        self.nodes.clear();
    }

    pub(crate) fn counts(&self) -> Vec<FaultCount> {
        let requests = self.requests.all().into_iter().map(FaultCount::from);
        requests.chain(self.nodes.all().into_iter().map(FaultCount::from)).collect()
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let (when, failure) = text
            .split_once('=')
            .ok_or_else(|| format!("'{text}' is not of the form EVENT[#N]=FAILURE"))?;
        let (event, nth) = match when.split_once('#') {
            Some((event, nth)) => (event, nth.parse()?),
            None => (when, Nth::EVERY),
        };
        let kind = match event.starts_with("node-") {
            true => FaultKind::Node(NodeFault::parse(event, nth, failure)?),
            false => FaultKind::Request(RequestFault::parse(event, nth, failure)?),
        };
        Ok(Fault(kind))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            FaultKind::Request(fault) => fault.fmt(formatter),
            FaultKind::Node(fault) => fault.fmt(formatter),
        }
    }
}

impl<F: fmt::Display> From<Count<F>> for FaultCount {
    fn from(count: Count<F>) -> FaultCount {
        FaultCount { fault: count.fault.to_string(), seen: count.seen, fired: count.fired }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_fault_that_is_written_as_it_is_read_or_refused(
            text in "(any|create-job|node-get-blob|node-run-task)(#[0-9.]{0,5})?=\
                (429|503|429-after|cut|delay|denied|lost)(,[a-z-]{0,11}=[0-9]{0,20}|,ms=[0-9]{1,4})?|\\PC*",
        ) {
            if let Ok(fault) = text.parse::<Fault>() {
                prop_assert_eq!(fault.to_string().parse(), Ok(fault));
            }
        }
    }

    #[test]
    fn every_fault_is_read_and_written_as_the_same_text() {
        for text in [
            "any=429",
            "create-job=429,retry-after=2",
            "create-job#1=500",
            "create-job#1=429-after,retry-after=30",
            "any=503-after",
            "get-task-file#2..3=503,retry-after=0",
            "any#7..=drop-before",
            "delete-job=drop-after",
            "terminate-job=stall-before",
            "get-task#1..2=stall-after",
            "list-jobs=cut",
            "get-job=delay,ms=500",
            "node-pull-image#2..=failed",
            "node-pull-image:ghcr.io/a/b:1=failed",
            "node-list-blobs=denied",
            "node-get-blob#1=not-found",
            "node-put-blob=timed-out",
            "node-run-task#2=lost",
            "node-run-task=preempted,ms=20",
            "node-run-task#1..2=unusable",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_operation_can_be_written_as_its_page_is_titled() {
        let fault: Fault = "Create Job=500".parse().unwrap();
        assert_eq!(fault.to_string(), "create-job=500");
    }

    #[test]
    fn the_part_that_is_wrong_is_named() {
        for (text, part) in [
            ("create-job", "EVENT[#N]=FAILURE"),
            ("make-job=500", "make-job"),
            ("create-job#0=500", "#0"),
            ("create-job=404", "'404' is not a failure"),
            ("create-job=429,after=3", "'after=3' is not retry-after=NUMBER"),
            ("create-job=429,retry-after=soon", "retry-after=soon"),
            ("create-job=delay", "ms=500"),
            ("create-job=delay,ms=-1", "ms=-1"),
            ("create-job=404-after", "'404-after' is not a failure"),
            ("create-job=cut,ms=1", "'cut' has no option 'ms=1'"),
            ("node-dance=failed", "'node-dance' is not a node action"),
            ("node-get-blob:x=denied", "does not take a name such as 'x'"),
            ("node-get-blob=503", "'503' is not a failure of a blob request"),
            ("node-run-task=recovered", "'recovered' is not a node failure"),
            ("node-run-task=lost,seconds=1", "seconds=1"),
            ("node-pull-image=denied", "'denied' is not a failure of an image pull"),
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
