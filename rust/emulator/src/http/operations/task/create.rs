//! [Create Task](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::wire::task::TaskCreate;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Arc<Service>,
    job: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let spec: TaskCreate = call.model()?;
    let url = url(call, job, &spec.id);
    let version = service.create_task(job, spec)?;
    Ok(Reply::empty(StatusCode::CREATED).version(&version).location(&url))
}
