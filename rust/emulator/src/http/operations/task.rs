//! Tasks.

mod create;
mod create_collection;
mod delete;
mod get;
mod list;
mod reactivate;
mod replace;
mod terminate;

use super::route::{Operation, asynchronous, sync};
use serde_json::{Map, Value};

use crate::http::call::Call;
use crate::http::views;
use crate::service::Service;
use crate::store::task::Task;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    sync("List Tasks", "GET", "jobs/{job}/tasks", |call, service, params| {
        list::run(call, service, &params[0])
    }),
    sync("Create Task", "POST", "jobs/{job}/tasks", |call, service, params| {
        create::run(call, service, &params[0])
    }),
    sync(
        "Create Task Collection",
        "POST",
        "jobs/{job}/addtaskcollection",
        |call, service, params| create_collection::run(call, service, &params[0]),
    ),
    sync("Get Task", "GET", "jobs/{job}/tasks/{task}", |call, service, params| {
        get::run(call, service, &params[0], &params[1])
    }),
    sync("Replace Task", "PUT", "jobs/{job}/tasks/{task}", |call, service, params| {
        replace::run(call, service, &params[0], &params[1])
    }),
    asynchronous("Delete Task", "DELETE", "jobs/{job}/tasks/{task}", |call, service, params| {
        Box::pin(delete::run(call, service, &params[0], &params[1]))
    }),
    sync("Terminate Task", "POST", "jobs/{job}/tasks/{task}/terminate", |call, service, params| {
        terminate::run(call, service, &params[0], &params[1])
    }),
    sync(
        "Reactivate Task",
        "POST",
        "jobs/{job}/tasks/{task}/reactivate",
        |call, service, params| reactivate::run(call, service, &params[0], &params[1]),
    ),
];

/// Returns the URL of a task.
fn url(call: &Call, job: &str, id: &str) -> String {
    format!("{}/jobs/{job}/tasks/{id}", call.endpoint)
}

/// Returns a task as it is shown, with statistics if they are asked for.
fn shown(
    call: &Call,
    service: &Service,
    task: &Task,
    job: &str,
    with_statistics: bool,
) -> Map<String, Value> {
    let mut properties = views::task::render(task, job, &call.endpoint);
    if with_statistics {
        views::statistics::add_of_task(&mut properties, service.task_statistics(task));
    }
    properties
}
