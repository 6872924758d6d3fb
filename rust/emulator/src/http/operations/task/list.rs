//! [List Tasks](https://learn.microsoft.com/rest/api/batchservice/tasks/list-tasks)

use super::shown;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, one_group, page};
use crate::http::reply::Reply;
use crate::http::views::task;
use crate::service::Service;
use crate::wire::filter;

const RULES: ListRules = ListRules {
    kind: "tasks",
    id: "id",
    group: one_group,
    filter: filter::TASK,
    select: Some(task::PROPERTIES),
};

pub(in crate::http::operations) fn run(call: &Call, service: &Service, job: &str) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "$expand", "maxresults", "$skiptoken"])?;
    let with_statistics = call.expands_statistics()?;
    let (tasks, job) = service.tasks(job)?;
    page(call, tasks.iter().map(|one| shown(call, service, one, &job, with_statistics)), &RULES)
}
