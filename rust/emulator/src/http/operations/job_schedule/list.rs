//! [List Job Schedules](https://learn.microsoft.com/rest/api/batchservice/job-schedules/list-job-schedules)

use super::shown;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, one_group, page};
use crate::http::reply::Reply;
use crate::http::views::job_schedule;
use crate::service::Service;
use crate::wire::filter;

const RULES: ListRules = ListRules {
    kind: "jobschedules",
    id: "id",
    group: one_group,
    filter: filter::JOB_SCHEDULE,
    select: Some(job_schedule::PROPERTIES),
};

pub(super) fn run(call: &Call, service: &Service) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "$expand", "maxresults", "$skiptoken"])?;
    let with_statistics = call.expands_statistics()?;
    let all = service.job_schedules();
    page(call, all.iter().map(|one| shown(call, service, one, with_statistics)), &RULES)
}
