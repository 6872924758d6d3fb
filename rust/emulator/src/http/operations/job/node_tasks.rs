//! [List Job Preparation And Release Task Status](https://learn.microsoft.com/rest/api/batchservice/jobs/list-job-preparation-and-release-task-status)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, one_group, page};
use crate::http::reply::Reply;
use crate::http::views::node_tasks;
use crate::service::Service;
use crate::wire::filter;

const RULES: ListRules = ListRules {
    kind: "jobpreparationandreleasetaskstatuslist",
    id: "nodeId",
    group: one_group,
    filter: filter::NODE_TASKS,
    select: Some(node_tasks::PROPERTIES),
};

pub(super) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "maxresults", "$skiptoken"])?;
    let all = service.node_tasks(id)?;
    let items = all.iter().map(|(node, tasks)| node_tasks::render(node, tasks, &call.endpoint));
    page(call, items, &RULES)
}
