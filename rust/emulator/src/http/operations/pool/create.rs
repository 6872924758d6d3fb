//! [Create Pool](https://learn.microsoft.com/rest/api/batchservice/pools/create-pool)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::wire::pool::PoolSpec;

pub(in crate::http::operations) fn run(call: &Call, service: &Arc<Service>) -> Result<Reply> {
    call.allow_query(&[])?;
    let spec: PoolSpec = call.model()?;
    let url = url(call, spec.id.as_deref().unwrap_or_default());
    let version = service.create_pool(spec)?;
    Ok(Reply::empty(StatusCode::CREATED).version(&version).location(&url))
}
