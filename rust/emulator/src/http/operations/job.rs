//! Jobs.

pub(super) mod add;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod patch;
pub(super) mod terminate;

use crate::http::call::Call;

/// The URL of a job.
fn url(call: &Call, id: &str) -> String {
    format!("{}/jobs/{id}", call.endpoint)
}
