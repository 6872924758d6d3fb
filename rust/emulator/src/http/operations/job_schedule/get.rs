//! [Get Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/get-job-schedule)

use super::shown;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::select;
use crate::http::reply::Reply;
use crate::http::views::job_schedule::PROPERTIES;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&["$select", "$expand"])?;
    let with_statistics = call.expands_statistics()?;
    let view = service.job_schedule(id, &call.conditions()?)?;
    let properties = select(call, shown(call, service, &view, with_statistics), Some(PROPERTIES))?;
    let reply = Reply::resource(properties, &call.endpoint, "jobschedules/@Element");
    Ok(reply.version(&view.schedule.version))
}
