//! [Get Job](https://learn.microsoft.com/rest/api/batchservice/jobs/get-job)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::select;
use crate::http::reply::Reply;
use crate::http::views::job::{PROPERTIES, render};
use crate::service::Service;

pub(in crate::http::operations) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&["$select", "$expand"])?;
    call.check_expand()?;
    let job = service.job(id, &call.conditions()?)?;
    let properties = select(call, render(&job, &call.endpoint), Some(PROPERTIES))?;
    Ok(Reply::resource(properties, &call.endpoint, "jobs/@Element").version(&job.version))
}
