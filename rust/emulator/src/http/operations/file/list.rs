//! [List Task Files](https://learn.microsoft.com/rest/api/batchservice/tasks/list-task-files)

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, page};
use crate::http::reply::Reply;
use crate::http::shown::file::render;
use crate::service::Service;
use crate::wire::filter;

const RULES: ListRules =
    ListRules { kind: "files", order: "name", filter: filter::FILE, select: None };

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Service,
    job: &str,
    task: &str,
) -> Result<Reply> {
    call.allow_query(&["$filter", "recursive", "maxresults", "$skiptoken"])?;
    let files = service.files(job, task, call.query.flag("recursive")?)?;
    let shown = files.iter().map(|file| render(file, &url(call, job, task, &file.name)));
    page(call, shown.collect(), &RULES)
}
