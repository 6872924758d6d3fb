//! [Delete Pool](https://learn.microsoft.com/rest/api/batchservice/pools/delete-pool)

use std::sync::Arc;

use axum::http::StatusCode;

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
    service.delete_pool(id, &call.conditions()?)?;
    Ok(Reply::empty(StatusCode::ACCEPTED))
}
