//! The files of tasks and nodes.

mod delete;
mod get;
mod list;
mod properties;

use axum::http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::route::{Operation, later, now};
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::http::shown::file::{CONTENT_TYPE, mode};
use crate::service::files::{NodeFile, Owner};
use crate::wire::time::http_date;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    now("List Task Files", "GET", "jobs/{job}/tasks/{task}/files", |call, service, at| {
        list::run(call, service, &task(at))
    }),
    later("Get Task File", "GET", "jobs/{job}/tasks/{task}/files/{file*}", |call, service, at| {
        Box::pin(async move { get::run(call, service, &task(at), &at[2]).await })
    }),
    now(
        "Get Task File Properties",
        "HEAD",
        "jobs/{job}/tasks/{task}/files/{file*}",
        |call, service, at| properties::run(call, service, &task(at), &at[2]),
    ),
    now(
        "Delete Task File",
        "DELETE",
        "jobs/{job}/tasks/{task}/files/{file*}",
        |call, service, at| delete::run(call, service, &task(at), &at[2]),
    ),
    now("List Node Files", "GET", "pools/{pool}/nodes/{node}/files", |call, service, at| {
        list::run(call, service, &node(at))
    }),
    later(
        "Get Node File",
        "GET",
        "pools/{pool}/nodes/{node}/files/{file*}",
        |call, service, at| {
            Box::pin(async move { get::run(call, service, &node(at), &at[2]).await })
        },
    ),
    now(
        "Get Node File Properties",
        "HEAD",
        "pools/{pool}/nodes/{node}/files/{file*}",
        |call, service, at| properties::run(call, service, &node(at), &at[2]),
    ),
    now(
        "Delete Node File",
        "DELETE",
        "pools/{pool}/nodes/{node}/files/{file*}",
        |call, service, at| delete::run(call, service, &node(at), &at[2]),
    ),
];

fn task(at: &[String]) -> Owner<'_> {
    Owner::Task { job: &at[0], id: &at[1] }
}

fn node(at: &[String]) -> Owner<'_> {
    Owner::Node { pool: &at[0], id: &at[1] }
}

/// What a file's name in a URL escapes: everything but unreserved characters and slashes.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The URL of a file.
fn url(call: &Call, owner: &Owner<'_>, name: &str) -> String {
    let owner = match owner {
        Owner::Task { job, id } => format!("jobs/{job}/tasks/{id}"),
        Owner::Node { pool, id } => format!("pools/{pool}/nodes/{id}"),
    };
    format!("{}/{owner}/files/{}", call.endpoint, utf8_percent_encode(name, PATH))
}

/// The headers that tell about a file. Of files on Linux nodes the service does not tell when they were created.
fn described(file: &NodeFile, url: &str) -> Reply {
    Reply::empty(StatusCode::OK)
        .header("content-type", CONTENT_TYPE)
        .header("last-modified", &http_date(file.modified))
        .header("ocp-batch-file-isdirectory", &file.is_directory.to_string())
        .header("ocp-batch-file-mode", &mode(file))
        .header("ocp-batch-file-url", url)
}
