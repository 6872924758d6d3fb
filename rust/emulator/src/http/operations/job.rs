//! Jobs.

mod add;
mod delete;
mod get;
mod list;
mod patch;
mod terminate;

use super::route::{Operation, now};
use crate::http::call::Call;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    now("List Jobs", "GET", "jobs", |call, service, _| list::run(call, service)),
    now("Create Job", "POST", "jobs", |call, service, _| add::run(call, service)),
    now("Get Job", "GET", "jobs/{job}", |call, service, at| get::run(call, service, &at[0])),
    now("Update Job", "PATCH", "jobs/{job}", |call, service, at| patch::run(call, service, &at[0])),
    now("Delete Job", "DELETE", "jobs/{job}", |call, service, at| {
        delete::run(call, service, &at[0])
    }),
    now("Terminate Job", "POST", "jobs/{job}/terminate", |call, service, at| {
        terminate::run(call, service, &at[0])
    }),
];

/// The URL of a job.
fn url(call: &Call, id: &str) -> String {
    format!("{}/jobs/{id}", call.endpoint)
}
