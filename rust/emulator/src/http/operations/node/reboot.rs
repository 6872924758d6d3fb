//! [Reboot Node](https://learn.microsoft.com/rest/api/batchservice/nodes/reboot-node)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::service::node_operations::Restart;
use crate::wire::pool::NodeReboot;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Arc<Service>,
    pool: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let given: NodeReboot = call.optional_model()?;
    service.restart_node(pool, id, Restart::Reboot, given.node_reboot_option)?;
    Ok(Reply::empty(StatusCode::ACCEPTED).service_id(&url(call, pool, id)))
}
