//! [Terminate Task](https://learn.microsoft.com/rest/api/batchservice/tasks/terminate-task)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Arc<Service>,
    job: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.terminate_task(job, id, &call.conditions()?)?;
    let url = format!("{}/terminate", url(call, job, id));
    Ok(Reply::empty(StatusCode::NO_CONTENT).version(&version).service_id(&url))
}
