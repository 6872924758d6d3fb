//! [Create Task Collection](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task-collection)

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::{Reply, error_body};
use crate::service::Service;
use crate::store::resource::ResourceVersion;
use crate::wire::task::TaskGroup;

pub(super) fn run(call: &Call, service: &Arc<Service>, job: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let group: TaskGroup = call.model()?;
    let results = service.create_tasks(job, group.value)?;
    let items = results.into_iter().map(|(id, result)| result_of(call, job, &id, result));
    let body = json!({
        "odata.metadata": format!("{}/$metadata#taskaddresult", call.endpoint),
        "value": items.collect::<Vec<_>>(),
    });
    Ok(Reply::json(StatusCode::OK, &body))
}

/// Returns the result of one task.
fn result_of(call: &Call, job: &str, id: &str, result: Result<ResourceVersion>) -> Value {
    let (status, mut item) = match result {
        Ok(version) => {
            let mut item = json!({"location": url(call, job, id)});
            item.as_object_mut().into_iter().for_each(|item| version.add_to(item));
            ("Success", item)
        }
        Err(error) => {
            let client = error.code.status().is_client_error();
            let status = if client { "clienterror" } else { "servererror" };
            (status, json!({"error": error_body(&error, error.code.message())}))
        }
    };
    item["status"] = json!(status);
    item["taskId"] = json!(id);
    item
}
