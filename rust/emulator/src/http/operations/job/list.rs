//! [List Jobs](https://learn.microsoft.com/rest/api/batchservice/jobs/list-jobs)

use serde_json::{Map, Value};

use super::shown;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, page};
use crate::http::reply::Reply;
use crate::http::views::job;
use crate::service::Service;
use crate::wire::filter;

/// The rules of lists of jobs.
pub(in crate::http::operations) const RULES: ListRules = ListRules {
    kind: "jobs",
    id: "id",
    group: activity,
    filter: filter::JOB,
    select: Some(job::PROPERTIES),
};

pub(in crate::http::operations) fn run(call: &Call, service: &Service) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "$expand", "maxresults", "$skiptoken"])?;
    let with_statistics = call.expands_statistics()?;
    let jobs = service.jobs();
    page(call, jobs.iter().map(|one| shown(call, service, one, with_statistics)), &RULES)
}

/// Jobs that have not ended come first. A job that ends between two pages may be in both; none is
/// left out, as no job becomes open again.
fn activity(job: &Map<String, Value>) -> usize {
    let state = job.get("state").and_then(Value::as_str);
    usize::from(matches!(state, Some("terminating" | "completed" | "deleting")))
}
