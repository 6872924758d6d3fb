//! Job schedules.

mod create;
mod delete;
mod disable;
mod enable;
mod exists;
mod get;
mod list;
mod list_jobs;
mod replace;
mod terminate;
mod update;

use super::route::{Operation, sync};
use serde_json::{Map, Value};

use crate::http::call::Call;
use crate::http::views;
use crate::service::Service;
use crate::service::schedules::ScheduleView;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    sync("List Job Schedules", "GET", "jobschedules", |call, service, _| list::run(call, service)),
    sync("Create Job Schedule", "POST", "jobschedules", |call, service, _| {
        create::run(call, service)
    }),
    sync("Get Job Schedule", "GET", "jobschedules/{schedule}", |call, service, params| {
        get::run(call, service, &params[0])
    }),
    sync("Job Schedule Exists", "HEAD", "jobschedules/{schedule}", |call, service, params| {
        exists::run(call, service, &params[0])
    }),
    sync("Update Job Schedule", "PATCH", "jobschedules/{schedule}", |call, service, params| {
        update::run(call, service, &params[0])
    }),
    sync("Replace Job Schedule", "PUT", "jobschedules/{schedule}", |call, service, params| {
        replace::run(call, service, &params[0])
    }),
    sync("Delete Job Schedule", "DELETE", "jobschedules/{schedule}", |call, service, params| {
        delete::run(call, service, &params[0])
    }),
    sync(
        "Enable Job Schedule",
        "POST",
        "jobschedules/{schedule}/enable",
        |call, service, params| enable::run(call, service, &params[0]),
    ),
    sync(
        "Disable Job Schedule",
        "POST",
        "jobschedules/{schedule}/disable",
        |call, service, params| disable::run(call, service, &params[0]),
    ),
    sync(
        "Terminate Job Schedule",
        "POST",
        "jobschedules/{schedule}/terminate",
        |call, service, params| terminate::run(call, service, &params[0]),
    ),
    sync(
        "List Jobs From Schedule",
        "GET",
        "jobschedules/{schedule}/jobs",
        |call, service, params| list_jobs::run(call, service, &params[0]),
    ),
];

/// Returns the URL of a job schedule.
fn url(call: &Call, id: &str) -> String {
    format!("{}/jobschedules/{id}", call.endpoint)
}

/// Returns a job schedule as it is shown, with statistics if they are asked for.
fn shown(
    call: &Call,
    service: &Service,
    view: &ScheduleView,
    with_statistics: bool,
) -> Map<String, Value> {
    let mut properties = views::job_schedule::render(view, &call.endpoint);
    if with_statistics {
        let statistics = service.job_schedule_statistics(&view.schedule);
        views::statistics::add_of_tasks(&mut properties, statistics);
    }
    properties
}
