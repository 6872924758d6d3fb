//! [List Jobs](https://learn.microsoft.com/rest/api/batchservice/jobs/list-jobs)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, page};
use crate::http::reply::Reply;
use crate::http::views::job;
use crate::service::Service;
use crate::wire::filter;

const RULES: ListRules =
    ListRules { kind: "jobs", order: "id", filter: filter::JOB, select: Some(job::PROPERTIES) };

pub(in crate::http::operations) fn run(call: &Call, service: &Service) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "$expand", "maxresults", "$skiptoken"])?;
    call.check_expand()?;
    let jobs = service.jobs();
    page(call, jobs.iter().map(|one| job::render(one, &call.endpoint)), &RULES)
}
