//! [List Nodes](https://learn.microsoft.com/rest/api/batchservice/nodes/list-nodes)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, one_group, page};
use crate::http::reply::Reply;
use crate::http::views::node;
use crate::service::Service;
use crate::wire::filter;

const RULES: ListRules = ListRules {
    kind: "nodes",
    id: "id",
    group: one_group,
    filter: filter::NODE,
    select: Some(node::PROPERTIES),
};

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Service,
    pool: &str,
) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "maxresults", "$skiptoken"])?;
    let nodes = service.pool_nodes(pool)?;
    page(call, nodes.iter().map(|one| node::render(one, &call.endpoint)), &RULES)
}
