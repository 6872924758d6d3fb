//! [Reimage Node](https://learn.microsoft.com/rest/api/batchservice/nodes/reimage-node)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::service::node_operations::Restart;
use crate::wire::pool::NodeReimage;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Arc<Service>,
    pool: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let given: NodeReimage = call.optional_model()?;
    service.restart_node(pool, id, Restart::Reimage, given.node_reimage_option)?;
    Ok(Reply::empty(StatusCode::ACCEPTED).service_id(&url(call, pool, id)))
}
