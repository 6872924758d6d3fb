//! [Enable Job](https://learn.microsoft.com/rest/api/batchservice/jobs/enable-job)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

pub(super) fn run(call: &Call, service: &Arc<Service>, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.enable_job(id, &call.conditions()?)?;
    let url = format!("{}/enable", url(call, id));
    Ok(Reply::empty(StatusCode::ACCEPTED).version(&version).service_id(&url))
}
