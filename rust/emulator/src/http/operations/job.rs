//! Jobs.

mod add;
mod delete;
mod disable;
mod enable;
mod get;
mod list;
mod node_tasks;
mod patch;
mod replace;
mod task_counts;
mod terminate;

use super::route::{Operation, now};
use crate::http::call::Call;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    now("List Jobs", "GET", "jobs", |call, service, _| list::run(call, service)),
    now("Create Job", "POST", "jobs", |call, service, _| add::run(call, service)),
    now("Get Job", "GET", "jobs/{job}", |call, service, at| get::run(call, service, &at[0])),
    now("Update Job", "PATCH", "jobs/{job}", |call, service, at| patch::run(call, service, &at[0])),
    now("Replace Job", "PUT", "jobs/{job}", |call, service, at| {
        replace::run(call, service, &at[0])
    }),
    now("Delete Job", "DELETE", "jobs/{job}", |call, service, at| {
        delete::run(call, service, &at[0])
    }),
    now("Terminate Job", "POST", "jobs/{job}/terminate", |call, service, at| {
        terminate::run(call, service, &at[0])
    }),
    now("Disable Job", "POST", "jobs/{job}/disable", |call, service, at| {
        disable::run(call, service, &at[0])
    }),
    now("Enable Job", "POST", "jobs/{job}/enable", |call, service, at| {
        enable::run(call, service, &at[0])
    }),
    now(
        "List Job Preparation And Release Task Status",
        "GET",
        "jobs/{job}/jobpreparationandreleasetaskstatus",
        |call, service, at| node_tasks::run(call, service, &at[0]),
    ),
    now("Get Job Task Counts", "GET", "jobs/{job}/taskcounts", |call, service, at| {
        task_counts::run(call, service, &at[0])
    }),
];

/// The URL of a job.
fn url(call: &Call, id: &str) -> String {
    format!("{}/jobs/{id}", call.endpoint)
}
