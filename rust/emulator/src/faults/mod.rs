//! Faults on request: what is to fail and when, as data. The rooms in which they happen ask whether
//! one is due; the operations and the rules know nothing of them.

pub(crate) mod armed;
pub(crate) mod nth;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::http::faults::RequestFault;
use armed::{Armed, Count};

/// Something that is to fail, and when. It is read from and written as a text, which
/// `docs/emulator.md` explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A request that fails: `create-job#1=503`.
    Request(RequestFault),
}

/// How often a fault that was asked for was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FaultCount {
    /// Its text.
    pub fault: String,
    /// How often there was what it is about, since it was asked for.
    pub seen: u64,
    /// How often it struck.
    pub fired: u64,
}

/// All faults that were asked for.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) requests: Armed<RequestFault>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        match fault {
            Fault::Request(fault) => self.requests.add(fault),
        }
    }

    pub(crate) fn clear(&self) {
        self.requests.clear();
    }

    pub(crate) fn counts(&self) -> Vec<FaultCount> {
        self.requests.all().into_iter().map(FaultCount::from).collect()
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        text.parse().map(Fault::Request)
    }
}

impl From<RequestFault> for Fault {
    fn from(fault: RequestFault) -> Fault {
        Fault::Request(fault)
    }
}

impl<F: fmt::Display> From<Count<F>> for FaultCount {
    fn from(count: Count<F>) -> FaultCount {
        FaultCount { fault: count.fault.to_string(), seen: count.seen, fired: count.fired }
    }
}
