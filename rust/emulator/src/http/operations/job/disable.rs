//! [Disable Job](https://learn.microsoft.com/rest/api/batchservice/jobs/disable-job)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::wire::job::JobDisable;

pub(super) fn run(call: &Call, service: &Arc<Service>, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let given: JobDisable = call.model()?;
    let version = service.disable_job(id, given.disable_tasks, &call.conditions()?)?;
    let url = format!("{}/disable", url(call, id));
    Ok(Reply::empty(StatusCode::ACCEPTED).version(&version).service_id(&url))
}
