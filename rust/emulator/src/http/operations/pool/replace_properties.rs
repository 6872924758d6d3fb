//! [Replace Pool Properties](https://learn.microsoft.com/rest/api/batchservice/pools/replace-pool-properties)

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(in crate::http::operations) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.replace_pool_properties(id, call.model()?, &call.conditions()?)?;
    let url = format!("{}/updateproperties", url(call, id));
    Ok(Reply::empty(StatusCode::NO_CONTENT).version(&version).service_id(&url))
}
