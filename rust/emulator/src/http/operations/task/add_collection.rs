//! [Create Task Collection](https://learn.microsoft.com/rest/api/batchservice/tasks/create-task-collection)

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::{Reply, error_body};
use crate::service::Service;
use crate::store::stamp::Stamp;
use crate::wire::task::TaskGroup;

pub(super) fn run(call: &Call, service: &Arc<Service>, job: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let group: TaskGroup = call.model()?;
    let results = service.add_tasks(job, group.value)?;
    let shown = results.into_iter().map(|(id, result)| result_of(call, job, &id, result));
    let body = json!({
        "odata.metadata": format!("{}/$metadata#taskaddresult", call.endpoint),
        "value": shown.collect::<Vec<_>>(),
    });
    Ok(Reply::json(StatusCode::OK, &body))
}

/// What became of one task.
fn result_of(call: &Call, job: &str, id: &str, result: Result<Stamp>) -> Value {
    let (status, mut shown) = match result {
        Ok(stamp) => {
            let mut shown = json!({"location": url(call, job, id)});
            shown.as_object_mut().into_iter().for_each(|shown| stamp.show(shown));
            ("success", shown)
        }
        Err(error) => {
            let client = error.code.status().is_client_error();
            let status = if client { "clienterror" } else { "servererror" };
            (status, json!({"error": error_body(&error, error.code.message())}))
        }
    };
    shown["status"] = json!(status);
    shown["taskId"] = json!(id);
    shown
}
