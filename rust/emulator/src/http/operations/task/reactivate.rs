//! [Reactivate Task](https://learn.microsoft.com/rest/api/batchservice/tasks/reactivate-task)

use std::sync::Arc;

use axum::http::StatusCode;

use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Arc<Service>, job: &str, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.reactivate_task(job, id, &call.conditions()?)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).version(&version))
}
