//! [List Task Files](https://learn.microsoft.com/rest/api/batchservice/tasks/list-task-files)
//! and the same [of a node](https://learn.microsoft.com/rest/api/batchservice/nodes/list-node-files)

use serde_json::{Map, Value};

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, page};
use crate::http::reply::Reply;
use crate::http::views::file::render;
use crate::service::Service;
use crate::service::files::Owner;
use crate::wire::filter;

const RULES: ListRules =
    ListRules { kind: "files", id: "name", group: depth, filter: filter::FILE, select: None };

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Service,
    owner: &Owner<'_>,
) -> Result<Reply> {
    call.allow_query(&["$filter", "recursive", "maxresults", "$skiptoken"])?;
    let files = service.files(owner, call.query.flag("recursive")?)?;
    page(call, files.map(|file| render(&file, &url(call, owner, &file.name))), &RULES)
}

/// Files are listed breadth first.
fn depth(file: &Map<String, Value>) -> usize {
    let name = file.get("name").and_then(Value::as_str);
    name.map_or(0, |name| name.matches('/').count())
}
