//! [Get Task](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task)

use super::shown;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::select;
use crate::http::reply::Reply;
use crate::http::views::task::PROPERTIES;
use crate::service::Service;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Service,
    job: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&["$select", "$expand"])?;
    let with_statistics = call.expands_statistics()?;
    let (task, job) = service.task(job, id, &call.conditions()?)?;
    let properties =
        select(call, shown(call, service, &task, &job, with_statistics), Some(PROPERTIES))?;
    let reply = Reply::resource(properties, &call.endpoint, "tasks/@Element");
    Ok(reply.version(&task.version))
}
