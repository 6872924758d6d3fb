//! [Disable Node Scheduling](https://learn.microsoft.com/rest/api/batchservice/nodes/disable-node-scheduling)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::wire::pool::NodeDisableScheduling;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Arc<Service>,
    pool: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let given: NodeDisableScheduling = call.optional_model()?;
    service.disable_scheduling(pool, id, given.node_disable_scheduling_option)?;
    Ok(Reply::empty(StatusCode::OK).service_id(&url(call, pool, id)))
}
