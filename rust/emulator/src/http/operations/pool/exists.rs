//! [Pool Exists](https://learn.microsoft.com/rest/api/batchservice/pools/pool-exists)

use axum::http::StatusCode;

use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(in crate::http::operations) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.pool(id)?.version;
    call.conditions()?.check_read(&version)?;
    Ok(Reply::empty(StatusCode::OK).version(&version))
}
