//! [Job Schedule Exists](https://learn.microsoft.com/rest/api/batchservice/job-schedules/job-schedule-exists)

use axum::http::StatusCode;

use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.job_schedule(id, &call.conditions()?)?.schedule.version;
    Ok(Reply::empty(StatusCode::OK).version(&version))
}
