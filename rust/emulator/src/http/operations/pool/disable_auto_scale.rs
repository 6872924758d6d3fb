//! [Disable Pool Auto Scale](https://learn.microsoft.com/rest/api/batchservice/pools/disable-pool-auto-scale)

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(in crate::http::operations) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.disable_auto_scale(id)?;
    let url = format!("{}/disableautoscale", url(call, id));
    Ok(Reply::empty(StatusCode::OK).version(&version).service_id(&url))
}
