//! The files of tasks and nodes.

mod delete;
mod get;
mod list;
mod properties;

use axum::http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::route::{Operation, asynchronous, sync};
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::http::views::file::{content_type, mode};
use crate::service::files::{NodeFile, Owner};
use crate::wire::time::http_date;

/// The operations on these resources.
pub(super) static OPERATIONS: &[Operation] = &[
    sync("List Task Files", "GET", "jobs/{job}/tasks/{task}/files", |call, service, params| {
        list::run(call, service, &task(params))
    }),
    asynchronous(
        "Get Task File",
        "GET",
        "jobs/{job}/tasks/{task}/files/{file*}",
        |call, service, params| {
            Box::pin(async move { get::run(call, service, &task(params), &params[2]).await })
        },
    ),
    sync(
        "Get Task File Properties",
        "HEAD",
        "jobs/{job}/tasks/{task}/files/{file*}",
        |call, service, params| properties::run(call, service, &task(params), &params[2]),
    ),
    sync(
        "Delete Task File",
        "DELETE",
        "jobs/{job}/tasks/{task}/files/{file*}",
        |call, service, params| delete::run(call, service, &task(params), &params[2]),
    ),
    sync("List Node Files", "GET", "pools/{pool}/nodes/{node}/files", |call, service, params| {
        list::run(call, service, &node(params))
    }),
    asynchronous(
        "Get Node File",
        "GET",
        "pools/{pool}/nodes/{node}/files/{file*}",
        |call, service, params| {
            Box::pin(async move { get::run(call, service, &node(params), &params[2]).await })
        },
    ),
    sync(
        "Get Node File Properties",
        "HEAD",
        "pools/{pool}/nodes/{node}/files/{file*}",
        |call, service, params| properties::run(call, service, &node(params), &params[2]),
    ),
    sync(
        "Delete Node File",
        "DELETE",
        "pools/{pool}/nodes/{node}/files/{file*}",
        |call, service, params| delete::run(call, service, &node(params), &params[2]),
    ),
];

fn task(params: &[String]) -> Owner<'_> {
    Owner::Task { job: &params[0], id: &params[1] }
}

fn node(params: &[String]) -> Owner<'_> {
    Owner::Node { pool: &params[0], id: &params[1] }
}

/// The characters of a file name that a URL escapes: all but unreserved characters and slashes.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The characters of a URL that is escaped as a whole in a header.
const WHOLE: &AsciiSet = &PATH.add(b'/');

/// Returns the URL of a file.
fn url(call: &Call, owner: &Owner<'_>, name: &str) -> String {
    let owner = match owner {
        Owner::Task { job, id } => format!("jobs/{job}/tasks/{id}"),
        Owner::Node { pool, id } => format!("pools/{pool}/nodes/{id}"),
    };
    format!("{}/{owner}/files/{}", call.endpoint, utf8_percent_encode(name, PATH))
}

/// Returns a response with the headers that describe a file. For files on Linux nodes the service
/// does not return the time of creation.
fn file_headers(file: &NodeFile, url: &str) -> Reply {
    Reply::empty(StatusCode::OK)
        .header("content-type", content_type(file))
        .header("last-modified", &http_date(file.modified))
        .header("ocp-batch-file-isdirectory", if file.is_directory { "True" } else { "False" })
        .header("ocp-batch-file-mode", &mode(file))
        .header("ocp-batch-file-url", &utf8_percent_encode(url, WHOLE).to_string())
}
