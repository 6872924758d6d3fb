//! [Disable Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/disable-job-schedule)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Arc<Service>, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.disable_job_schedule(id, &call.conditions()?)?;
    let url = format!("{}/disable", url(call, id));
    Ok(Reply::empty(StatusCode::NO_CONTENT).version(&version).service_id(&url))
}
