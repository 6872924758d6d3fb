//! One place per REST operation, and which request goes where.

mod file;
mod job;
mod pool;
mod task;

use std::sync::Arc;

use super::call::Call;
use super::reply::Reply;
use crate::error::{ApiError, Code, Result};
use crate::service::Service;

/// Runs the operation that a request names.
///
/// # Errors
/// `InvalidUri` for a path without operations, `UnsupportedHttpVerb` for a verb that its
/// resource does not have, and what the operation refuses.
pub(super) async fn dispatch(call: Call, service: &Arc<Service>) -> Result<Reply> {
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let verb = call.method.as_str();
    match path.as_slice() {
        ["pools", pool] => match verb {
            "GET" => pool::get::run(&call, service, pool),
            _ => unsupported_verb(verb),
        },
        ["jobs"] => match verb {
            "GET" => job::list::run(&call, service),
            "POST" => job::add::run(&call, service),
            _ => unsupported_verb(verb),
        },
        ["jobs", job] => match verb {
            "GET" => job::get::run(&call, service, job),
            "PATCH" => job::patch::run(&call, service, job),
            "DELETE" => job::delete::run(&call, service, job),
            _ => unsupported_verb(verb),
        },
        ["jobs", job, "terminate"] => match verb {
            "POST" => job::terminate::run(&call, service, job),
            _ => unsupported_verb(verb),
        },
        ["jobs", job, "tasks"] => match verb {
            "GET" => task::list::run(&call, service, job),
            "POST" => task::add::run(&call, service, job),
            _ => unsupported_verb(verb),
        },
        ["jobs", job, "tasks", task] => match verb {
            "GET" => task::get::run(&call, service, job, task),
            "DELETE" => task::delete::run(&call, service, job, task).await,
            _ => unsupported_verb(verb),
        },
        ["jobs", job, "tasks", task, "terminate"] => match verb {
            "POST" => task::terminate::run(&call, service, job, task),
            _ => unsupported_verb(verb),
        },
        ["jobs", job, "tasks", task, "files"] => match verb {
            "GET" => file::list::run(&call, service, job, task),
            _ => unsupported_verb(verb),
        },
        ["jobs", job, "tasks", task, "files", path @ ..] => match verb {
            "GET" => file::get::run(&call, service, job, task, &path.join("/")).await,
            "HEAD" => file::properties::run(&call, service, job, task, &path.join("/")),
            _ => unsupported_verb(verb),
        },
        _ => Err(ApiError::from(Code::InvalidUri)
            .with("Reason", "the emulator has no operation at this path")),
    }
}

fn unsupported_verb(verb: &str) -> Result<Reply> {
    Err(ApiError::from(Code::UnsupportedHttpVerb).with("HttpVerb", verb))
}
