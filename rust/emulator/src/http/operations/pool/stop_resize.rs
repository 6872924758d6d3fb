//! [Stop Pool Resize](https://learn.microsoft.com/rest/api/batchservice/pools/stop-pool-resize)

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
    let version = service.stop_resize(id, &call.conditions()?)?;
    let url = format!("{}/stopresize", url(call, id));
    Ok(Reply::empty(StatusCode::ACCEPTED).version(&version).service_id(&url))
}
