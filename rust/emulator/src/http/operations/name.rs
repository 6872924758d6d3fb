//! The names of operations.

use std::fmt;
use std::str::FromStr;

/// The name of an operation: the title of its REST page, `Create Job`, which is also read and
/// then written as `create-job`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationName(&'static str);

impl OperationName {
    /// The title of its REST page.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for OperationName {
    type Err = String;

    fn from_str(text: &str) -> Result<OperationName, String> {
        let found = super::all().find(|operation| hyphened(operation.name) == hyphened(text));
        found.map(|operation| OperationName(operation.name)).ok_or_else(|| {
            let names: Vec<String> = super::all().map(|one| hyphened(one.name)).collect();
            format!("'{text}' is no operation; the emulator has {}", names.join(", "))
        })
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hyphened(self.0))
    }
}

fn hyphened(name: &str) -> String {
    name.to_ascii_lowercase().replace(' ', "-")
}
