//! The names of operations.

use std::fmt;
use std::str::FromStr;

/// The name of an operation: the title of its REST page, `Create Job`. It can also be written as
/// `create-job`, which is its display form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OperationName(&'static str);

impl OperationName {
    /// Returns the title of the operation's REST page.
    pub(crate) fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for OperationName {
    type Err = String;

    fn from_str(text: &str) -> Result<OperationName, String> {
        let found = super::all().find(|operation| hyphenated(operation.name) == hyphenated(text));
        found.map(|operation| OperationName(operation.name)).ok_or_else(|| {
            let names: Vec<String> = super::all().map(|one| hyphenated(one.name)).collect();
            format!("'{text}' is not an operation; use one of {}", names.join(", "))
        })
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hyphenated(self.0))
    }
}

fn hyphenated(name: &str) -> String {
    name.to_ascii_lowercase().replace(' ', "-")
}
