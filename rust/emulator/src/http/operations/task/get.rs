//! [Get Task](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::select;
use crate::http::reply::Reply;
use crate::http::views::task::{PROPERTIES, render};
use crate::service::Service;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Service,
    job: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&["$select", "$expand"])?;
    call.check_expand()?;
    let (task, job) = service.task(job, id, &call.conditions()?)?;
    let properties = select(call, render(&task, &job, &call.endpoint), Some(PROPERTIES))?;
    let reply = Reply::resource(properties, &call.endpoint, "tasks/@Element");
    Ok(reply.version(&task.version))
}
