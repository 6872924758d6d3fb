//! [Update Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/update-job-schedule)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Arc<Service>, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.update_job_schedule(id, call.model()?, &call.conditions()?)?;
    Ok(Reply::empty(StatusCode::OK).version(&version).service_id(&url(call, id)))
}
