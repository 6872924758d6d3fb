//! [Delete Task File](https://learn.microsoft.com/rest/api/batchservice/tasks/delete-task-file)
//! and the same [of a node](https://learn.microsoft.com/rest/api/batchservice/nodes/delete-node-file)

use axum::http::StatusCode;

use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::service::files::Owner;

pub(super) fn run(call: &Call, service: &Service, owner: &Owner<'_>, name: &str) -> Result<Reply> {
    call.allow_query(&["recursive"])?;
    service.delete_file(owner, name, call.query.flag("recursive")?)?;
    Ok(Reply::empty(StatusCode::OK))
}
