//! Tasks.

mod add;
mod add_collection;
mod delete;
mod get;
mod list;
mod reactivate;
mod replace;
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
    now("Create Task Collection", "POST", "jobs/{job}/addtaskcollection", |call, service, at| {
        add_collection::run(call, service, &at[0])
    }),
    now("Get Task", "GET", "jobs/{job}/tasks/{task}", |call, service, at| {
        get::run(call, service, &at[0], &at[1])
    }),
    now("Replace Task", "PUT", "jobs/{job}/tasks/{task}", |call, service, at| {
        replace::run(call, service, &at[0], &at[1])
    }),
    later("Delete Task", "DELETE", "jobs/{job}/tasks/{task}", |call, service, at| {
        Box::pin(delete::run(call, service, &at[0], &at[1]))
    }),
    now("Terminate Task", "POST", "jobs/{job}/tasks/{task}/terminate", |call, service, at| {
        terminate::run(call, service, &at[0], &at[1])
    }),
    now("Reactivate Task", "POST", "jobs/{job}/tasks/{task}/reactivate", |call, service, at| {
        reactivate::run(call, service, &at[0], &at[1])
    }),
];

/// The URL of a task.
fn url(call: &Call, job: &str, id: &str) -> String {
    format!("{}/jobs/{job}/tasks/{id}", call.endpoint)
}
