//! [Create Job](https://learn.microsoft.com/rest/api/batchservice/jobs/create-job)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::wire::job::JobCreate;

pub(in crate::http::operations) fn run(call: &Call, service: &Arc<Service>) -> Result<Reply> {
    call.allow_query(&[])?;
    let spec: JobCreate = call.model()?;
    // The service writes this id, whatever the job's is.
    let url = url(call, "job-1");
    let version = service.create_job(spec)?;
    Ok(Reply::empty(StatusCode::CREATED).version(&version).location(&url))
}
