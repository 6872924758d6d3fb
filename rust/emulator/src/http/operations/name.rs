//! The names of operations: those of the Batch account, and those of the issuer of tokens.

use std::fmt;
use std::str::FromStr;

/// The name of an operation: the title of its REST page, `Create Job`. It can also be written as
/// `create-job`, which is its display form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OperationName(&'static str);

/// A request to the token endpoint of Microsoft Entra ID.
pub(crate) const GET_TOKEN: &str = "Get Token";
/// A request to an endpoint for managed identities.
pub(crate) const GET_IDENTITY_TOKEN: &str = "Get Identity Token";
/// A request for the public keys of Microsoft Entra ID.
pub(crate) const GET_KEYS: &str = "Get Signing Keys";

const OF_ISSUER: [&str; 3] = [GET_TOKEN, GET_IDENTITY_TOKEN, GET_KEYS];

impl OperationName {
    /// Returns whether an operation is one of the issuer.
    pub(crate) fn is_of_issuer(name: &str) -> bool {
        OF_ISSUER.contains(&name)
    }

    /// Returns the title of the operation's REST page.
    pub(crate) fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for OperationName {
    type Err = String;

    fn from_str(text: &str) -> Result<OperationName, String> {
        let known = || super::all().map(|one| one.name).chain(OF_ISSUER);
        let found = known().find(|name| hyphenated(name) == hyphenated(text));
        found.map(OperationName).ok_or_else(|| {
            let names: Vec<String> = known().map(hyphenated).collect();
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
