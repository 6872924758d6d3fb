//! Tasks.

pub(super) mod add;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod terminate;

use crate::http::call::Call;

/// The URL of a task.
fn url(call: &Call, job: &str, id: &str) -> String {
    format!("{}/jobs/{job}/tasks/{id}", call.endpoint)
}
