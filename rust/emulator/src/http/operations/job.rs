//! Jobs.

mod create;
mod delete;
mod disable;
mod enable;
mod get;
mod list;
mod node_tasks;
mod replace;
mod task_counts;
mod terminate;
mod update;

use super::route::{Operation, sync};
use serde_json::{Map, Value};

use crate::http::call::Call;
use crate::http::views;
use crate::service::Service;
use crate::store::job::Job;
pub(super) use list::RULES as LIST_RULES;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    sync("List Jobs", "GET", "jobs", |call, service, _| list::run(call, service)),
    sync("Create Job", "POST", "jobs", |call, service, _| create::run(call, service)),
    sync("Get Job", "GET", "jobs/{job}", |call, service, params| {
        get::run(call, service, &params[0])
    }),
    sync("Update Job", "PATCH", "jobs/{job}", |call, service, params| {
        update::run(call, service, &params[0])
    }),
    sync("Replace Job", "PUT", "jobs/{job}", |call, service, params| {
        replace::run(call, service, &params[0])
    }),
    sync("Delete Job", "DELETE", "jobs/{job}", |call, service, params| {
        delete::run(call, service, &params[0])
    }),
    sync("Terminate Job", "POST", "jobs/{job}/terminate", |call, service, params| {
        terminate::run(call, service, &params[0])
    }),
    sync("Disable Job", "POST", "jobs/{job}/disable", |call, service, params| {
        disable::run(call, service, &params[0])
    }),
    sync("Enable Job", "POST", "jobs/{job}/enable", |call, service, params| {
        enable::run(call, service, &params[0])
    }),
    sync(
        "List Job Preparation And Release Task Status",
        "GET",
        "jobs/{job}/jobpreparationandreleasetaskstatus",
        |call, service, params| node_tasks::run(call, service, &params[0]),
    ),
    sync("Get Job Task Counts", "GET", "jobs/{job}/taskcounts", |call, service, params| {
        task_counts::run(call, service, &params[0])
    }),
];

/// Returns the URL of a job.
fn url(call: &Call, id: &str) -> String {
    format!("{}/jobs/{id}", call.endpoint)
}

/// Returns a job as it is shown, with statistics if they are asked for.
pub(super) fn shown(
    call: &Call,
    service: &Service,
    job: &Job,
    with_statistics: bool,
) -> Map<String, Value> {
    let mut properties = views::job::render(job, &call.endpoint);
    if with_statistics {
        views::statistics::add_of_tasks(&mut properties, service.job_statistics(job));
    }
    properties
}
