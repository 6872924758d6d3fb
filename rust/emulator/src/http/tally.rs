//! How often each operation was answered.

use std::collections::BTreeMap;

use serde::Serialize;

use super::operations;
use super::record::RequestRecord;

/// How often an operation was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OperationCount {
    /// The title of its REST page, `Create Job` for example.
    pub operation: &'static str,
    /// All answers.
    pub answered: u64,
    /// Those of a status from 200 to 299.
    pub succeeded: u64,
}

/// The counts so far; an operation that is not in here was never answered.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<&'static str, OperationCount>);

impl Tally {
    /// Counts an answer to a request that named an operation. One that was not carried out for
    /// want of a client, or by a fault, has none.
    pub(super) fn count(&mut self, record: &RequestRecord) {
        let Some(operation) = record.operation.filter(|_| record.status != 0) else { return };
        let count = self.0.entry(operation).or_insert_with(|| OperationCount::none(operation));
        count.answered += 1;
        count.succeeded += u64::from((200..300).contains(&record.status));
    }

    /// The count of every operation that there is.
    pub(super) fn all(&self) -> Vec<OperationCount> {
        let names = operations::all().map(|operation| operation.name);
        let count = |name| self.0.get(name).cloned().unwrap_or(OperationCount::none(name));
        names.map(count).collect()
    }
}

impl OperationCount {
    fn none(operation: &'static str) -> OperationCount {
        OperationCount { operation, answered: 0, succeeded: 0 }
    }
}
