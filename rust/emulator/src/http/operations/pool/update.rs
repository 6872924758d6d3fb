//! [Update Pool](https://learn.microsoft.com/rest/api/batchservice/pools/update-pool)

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(in crate::http::operations) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.update_pool(id, call.model()?, &call.conditions()?)?;
    Ok(Reply::empty(StatusCode::OK).version(&version).service_id(&url(call, id)))
}
