//! [Get Job](https://learn.microsoft.com/rest/api/batchservice/jobs/get-job)

use super::shown;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::select;
use crate::http::reply::Reply;
use crate::http::views::job::PROPERTIES;
use crate::service::Service;

pub(in crate::http::operations) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&["$select", "$expand"])?;
    let with_statistics = call.expands_statistics()?;
    let job = service.job(id, &call.conditions()?)?;
    let properties = select(call, shown(call, service, &job, with_statistics), Some(PROPERTIES))?;
    Ok(Reply::resource(properties, &call.endpoint, "jobs/@Element").version(&job.version))
}
