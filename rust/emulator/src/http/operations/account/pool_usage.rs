//! [List Pool Usage Metrics](https://learn.microsoft.com/rest/api/batchservice/pools/list-pool-usage-metrics)

use time::OffsetDateTime;

use crate::error::{ApiError, Result};
use crate::http::call::Call;
use crate::http::list::{ListRules, one_group, page};
use crate::http::reply::Reply;
use crate::http::views::pool_usage::render;
use crate::service::Service;
use crate::wire::filter;
use crate::wire::time::parse_instant;

const RULES: ListRules = ListRules {
    kind: "poolusagemetrics",
    id: "startTime,poolId,vmSize",
    group: one_group,
    filter: filter::POOL_USAGE,
    select: None,
};

pub(super) fn run(call: &Call, service: &Service) -> Result<Reply> {
    call.allow_query(&["startTime", "endtime", "$filter", "maxresults", "$skiptoken"])?;
    let usage = service.pool_usage(time(call, "startTime")?, time(call, "endtime")?)?;
    page(call, usage.iter().map(render), &RULES)
}

fn time(call: &Call, name: &str) -> Result<Option<OffsetDateTime>> {
    let Some(text) = call.query.get(name) else { return Ok(None) };
    let at = parse_instant(text);
    at.map(Some).ok_or_else(|| ApiError::query(name, text, "not an ISO 8601 time"))
}
