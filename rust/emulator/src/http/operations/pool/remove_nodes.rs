//! [Remove Nodes](https://learn.microsoft.com/rest/api/batchservice/pools/remove-nodes)

use std::sync::Arc;

use axum::http::StatusCode;

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::wire::pool::NodeRemove;

pub(in crate::http::operations) fn run(
    call: &Call,
    service: &Arc<Service>,
    id: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let version = service.remove_nodes(id, &call.model::<NodeRemove>()?, &call.conditions()?)?;
    let url = format!("{}/removenodes", url(call, id));
    Ok(Reply::empty(StatusCode::ACCEPTED).version(&version).service_id(&url))
}
