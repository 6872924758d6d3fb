//! What travels as JSON. Names are those of the REST API; unknown properties of an answer are
//! ignored, and values are compared without regard to case, so that a newer service is understood.

mod enums;
mod file;
mod job;
mod node;
mod pool;
#[cfg(test)]
mod properties;
mod statistics;
mod task;

pub use enums::*;
pub use file::*;
pub use job::*;
pub use node::*;
pub use pool::*;
pub use statistics::*;
pub use task::*;

use serde::{Deserialize, Serialize, Serializer};
use std::time::Duration;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    #[serde(default = "Vec::new")]
    pub(crate) value: Vec<T>,
    #[serde(rename = "odata.nextLink")]
    pub(crate) next_link: Option<String>,
}

/// A name and a value, as in the details of errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameValuePair {
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The value.
    #[serde(default)]
    pub value: String,
}

/// ISO 8601, in whole seconds, rounded up.
fn iso_duration<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let seconds = duration.map(|duration| duration.as_nanos().div_ceil(1_000_000_000));
    serializer.serialize_str(&format!("PT{}S", seconds.unwrap_or_default()))
}
