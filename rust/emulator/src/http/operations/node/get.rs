//! [Get Node](https://learn.microsoft.com/rest/api/batchservice/nodes/get-node)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::select;
use crate::http::reply::Reply;
use crate::http::views::node::{PROPERTIES, render};
use crate::service::Service;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Service,
    pool: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&["$select"])?;
    let node = service.pool_node(pool, id)?;
    let properties = select(call, render(&node, &call.endpoint), Some(PROPERTIES))?;
    Ok(Reply::resource(properties, &call.endpoint, "nodes/@Element"))
}
