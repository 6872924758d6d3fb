//! [Terminate Job](https://learn.microsoft.com/rest/api/batchservice/jobs/terminate-job)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::wire::job::JobTerminate;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Arc<Service>,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&["force"])?;
    // A termination never fails here, so `force` changes nothing.
    call.query.flag("force")?;
    let given: JobTerminate = call.optional_model()?;
    let version = service.terminate_job(id, given.terminate_reason, &call.conditions()?)?;
    let url = format!("{}/terminate", url(call, id));
    Ok(Reply::empty(StatusCode::ACCEPTED).version(&version).service_id(&url))
}
