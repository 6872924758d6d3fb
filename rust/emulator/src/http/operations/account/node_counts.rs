//! [List Pool Node Counts](https://learn.microsoft.com/rest/api/batchservice/account/list-pool-node-counts)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, one_group, page};
use crate::http::reply::Reply;
use crate::http::views::node_counts::render;
use crate::service::Service;
use crate::wire::filter;

const RULES: ListRules = ListRules {
    kind: "poolnodecounts",
    id: "poolId",
    group: one_group,
    filter: filter::NODE_COUNTS,
    select: None,
};

pub(super) fn run(call: &Call, service: &Service) -> Result<Reply> {
    call.allow_query(&["$filter", "maxresults", "$skiptoken"])?;
    page(call, service.pools().iter().map(render), &RULES)
}
