//! [Enable Node Scheduling](https://learn.microsoft.com/rest/api/batchservice/nodes/enable-node-scheduling)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Arc<Service>,
    pool: &str,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    service.enable_scheduling(pool, id)?;
    Ok(Reply::empty(StatusCode::OK).service_id(&url(call, pool, id)))
}
