//! [List Pools](https://learn.microsoft.com/rest/api/batchservice/pools/list-pools)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, one_group, page};
use crate::http::reply::Reply;
use crate::http::views::pool;
use crate::service::Service;
use crate::wire::filter;

const RULES: ListRules = ListRules {
    kind: "pools",
    id: "id",
    group: one_group,
    filter: filter::POOL,
    select: Some(pool::PROPERTIES),
};

pub(in crate::http::operations) fn run(call: &Call, service: &Service) -> Result<Reply> {
    call.allow_query(&["$filter", "$select", "$expand", "maxresults", "$skiptoken"])?;
    // Pools have no statistics here.
    call.expands_statistics()?;
    let pools = service.pools();
    page(call, pools.iter().map(|one| pool::render(one, &call.endpoint)), &RULES)
}
