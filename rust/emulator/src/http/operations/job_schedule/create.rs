//! [Create Job Schedule](https://learn.microsoft.com/rest/api/batchservice/job-schedules/create-job-schedule)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::wire::schedule::JobScheduleCreate;

pub(super) fn run(call: &Call, service: &Arc<Service>) -> Result<Reply> {
    call.allow_query(&[])?;
    let spec: JobScheduleCreate = call.model()?;
    let url = url(call, &spec.id);
    let version = service.create_job_schedule(spec)?;
    Ok(Reply::empty(StatusCode::CREATED).version(&version).location(&url))
}
