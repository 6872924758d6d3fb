//! [Get Task File Properties](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task-file-properties)
//! and the same [of a node](https://learn.microsoft.com/rest/api/batchservice/nodes/get-node-file-properties)

use super::{file_headers, url};
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::service::files::Owner;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Service,
    owner: &Owner<'_>,
    name: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let file = service.file(owner, name, &call.conditions()?)?;
    let length = if file.is_directory { 0 } else { file.length };
    let reply = file_headers(&file, &url(call, owner, name));
    Ok(reply.header("content-length", &length.to_string()))
}
