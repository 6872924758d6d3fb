//! [Terminate Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/terminate-job-schedule)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Arc<Service>, id: &str) -> Result<Reply> {
    call.allow_query(&["force"])?;
    // A termination never fails here, so `force` changes nothing.
    call.query.flag("force")?;
    let version = service.terminate_job_schedule(id, &call.conditions()?)?;
    let url = format!("{}/terminate", url(call, id));
    Ok(Reply::empty(StatusCode::ACCEPTED).version(&version).service_id(&url))
}
