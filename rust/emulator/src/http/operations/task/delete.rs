//! [Delete Task](https://learn.microsoft.com/rest/api/batchservice/tasks/delete-task)

use std::sync::Arc;

use axum::http::StatusCode;

use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(in crate::http::operations) async fn run(
    call: &Call,
    service: &Arc<Service>,
    job: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    service.delete_task(job, id, &call.conditions()?).await?;
    Ok(Reply::empty(StatusCode::OK))
}
