//! [List Jobs From Schedule](https://learn.microsoft.com/rest/api/batchservice/jobs/list-jobs-from-schedule)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::page;
use crate::http::operations::job::LIST_RULES;
use crate::http::reply::Reply;
use crate::http::views::job;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "$expand", "maxresults", "$skiptoken"])?;
    call.check_expand()?;
    let jobs = service.jobs_of_schedule(id)?;
    page(call, jobs.iter().map(|one| job::render(one, &call.endpoint)), &LIST_RULES)
}
