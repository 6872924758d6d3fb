//! [Enable Pool Auto Scale](https://learn.microsoft.com/rest/api/batchservice/pools/enable-pool-auto-scale)

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
    id: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.enable_auto_scale(id, call.model()?, &call.conditions()?)?;
    let url = format!("{}/enableautoscale", url(call, id));
    Ok(Reply::empty(StatusCode::OK).version(&version).service_id(&url))
}
