//! [Delete Task File](https://learn.microsoft.com/rest/api/batchservice/tasks/delete-task-file)

use axum::http::StatusCode;

use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(
    call: &Call,
    service: &Service,
    job: &str,
    task: &str,
    name: &str,
) -> Result<Reply> {
    call.allow_query(&["recursive"])?;
    service.delete_file(job, task, name, call.query.flag("recursive")?)?;
    Ok(Reply::empty(StatusCode::OK))
}
