//! How often each operation was answered.

use std::collections::BTreeMap;

use serde::Serialize;

use super::operations;
use super::record::RequestRecord;

/// How often an operation was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct OperationCount {
    /// The title of its REST page, `Create Job` for example.
    pub(crate) operation: &'static str,
    /// All responses.
    pub(crate) answered: u64,
    /// The responses with a status from 200 to 299.
    pub(crate) succeeded: u64,
}

/// The counts so far, without the operations that were never answered.
#[derive(Default)]
pub(super) struct OperationCounts(BTreeMap<&'static str, OperationCount>);

impl OperationCounts {
    /// Counts the response to a request. A request that was not carried out is not counted.
    pub(super) fn count(&mut self, record: &RequestRecord) {
        let Some(operation) = record.operation.filter(|_| record.status != 0) else { return };
        let count = self.0.entry(operation).or_insert_with(|| OperationCount::none(operation));
        count.answered += 1;
        count.succeeded += u64::from((200..300).contains(&record.status));
    }

    /// Returns the count of every operation.
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
