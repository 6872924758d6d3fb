//! Tasks.

mod add;
mod delete;
mod get;
mod list;
mod terminate;

use super::route::{Operation, later, now};
use crate::http::call::Call;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    now("List Tasks", "GET", "jobs/{job}/tasks", |call, service, at| {
        list::run(call, service, &at[0])
    }),
    now("Create Task", "POST", "jobs/{job}/tasks", |call, service, at| {
        add::run(call, service, &at[0])
    }),
    now("Get Task", "GET", "jobs/{job}/tasks/{task}", |call, service, at| {
        get::run(call, service, &at[0], &at[1])
    }),
    later("Delete Task", "DELETE", "jobs/{job}/tasks/{task}", |call, service, at| {
        Box::pin(delete::run(call, service, &at[0], &at[1]))
    }),
    now("Terminate Task", "POST", "jobs/{job}/tasks/{task}/terminate", |call, service, at| {
        terminate::run(call, service, &at[0], &at[1])
    }),
];

/// The URL of a task.
fn url(call: &Call, job: &str, id: &str) -> String {
    format!("{}/jobs/{job}/tasks/{id}", call.endpoint)
}
