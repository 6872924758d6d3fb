//! [Get Job Task Counts](https://learn.microsoft.com/rest/api/batchservice/jobs/get-job-task-counts)

use axum::http::StatusCode;
use serde_json::json;

use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    Ok(Reply::json(StatusCode::OK, &json!(service.task_counts(id)?)))
}
