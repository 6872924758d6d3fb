//! [Delete Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/delete-job-schedule)

use std::sync::Arc;

use axum::http::StatusCode;

use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Arc<Service>, id: &str) -> Result<Reply> {
    call.allow_query(&["force"])?;
    // A deletion never fails here, so `force` changes nothing.
    call.query.flag("force")?;
    service.delete_job_schedule(id, &call.conditions()?)?;
    Ok(Reply::empty(StatusCode::ACCEPTED))
}
