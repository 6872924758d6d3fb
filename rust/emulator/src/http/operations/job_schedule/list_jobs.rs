//! [List Jobs From Schedule](https://learn.microsoft.com/rest/api/batchservice/jobs/list-jobs-from-schedule)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::page;
use crate::http::operations::job::{LIST_RULES, shown};
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "$expand", "maxresults", "$skiptoken"])?;
    let with_statistics = call.expands_statistics()?;
    let jobs = service.jobs_of_schedule(id)?;
    page(call, jobs.iter().map(|one| shown(call, service, one, with_statistics)), &LIST_RULES)
}
