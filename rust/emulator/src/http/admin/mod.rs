//! The admin endpoint, `/_emulator/…`: requests to the emulator itself. They are not part of the
//! Batch API, need no key and are not recorded. Only programs on this machine may send them.

mod faults;
mod nodes;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::AppState;
use super::operation_counts::OperationCount;
use super::record::RequestRecord;

/// The path of the admin endpoint.
pub(super) const PATH: &str = "/_emulator";

/// All paths, named in the error for an unknown one.
const PATHS: [&str; 6] = [
    "/_emulator/faults",
    "/_emulator/nodes",
    "/_emulator/operations",
    "/_emulator/pools",
    "/_emulator/requests",
    "/_emulator/settings",
];

/// The routes below [`PATH`].
pub(super) fn router() -> Router<Arc<AppState>> {
    Router::new()
        .route("/faults", get(faults::list).post(faults::create).delete(faults::clear))
        .route("/nodes", get(nodes::list).post(nodes::apply_node_event))
        .route("/operations", get(operations))
        .route("/pools", post(nodes::allocations))
        .route("/requests", get(requests))
        .route("/settings", get(settings))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unsupported_method)
        .layer(from_fn(reject_web_pages))
}

async fn operations(State(state): State<Arc<AppState>>) -> Json<Vec<OperationCount>> {
    Json(state.records.operations())
}

async fn settings(State(state): State<Arc<AppState>>) -> Json<Value> {
    Json(state.settings.clone())
}

async fn requests(State(state): State<Arc<AppState>>) -> Json<Vec<RequestRecord>> {
    Json(state.records.all())
}

async fn unknown_path(OriginalUri(uri): OriginalUri) -> Response {
    let text = format!("{} does not exist; the paths are {}", uri.path(), PATHS.join(", "));
    error_response(StatusCode::NOT_FOUND, &text)
}

async fn unsupported_method(verb: Method, OriginalUri(uri): OriginalUri) -> Response {
    error_response(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("{} does not support {verb}", uri.path()),
    )
}

/// Rejects requests of web pages: browsers send the page's origin, and the host name they used.
async fn reject_web_pages(request: Request, next: Next) -> Response {
    match rejection_reason(request.headers()) {
        Some(reason) => error_response(StatusCode::FORBIDDEN, reason),
        None => next.run(request).await,
    }
}

fn rejection_reason(headers: &HeaderMap) -> Option<&'static str> {
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    if headers.contains_key("origin") {
        Some("requests with an Origin header come from web pages, which may not use this endpoint")
    } else if !host.is_some_and(is_loopback) {
        Some("the Host header is not a loopback address such as 127.0.0.1 or localhost")
    } else {
        None
    }
}

fn is_loopback(host: &str) -> bool {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let address = without_port.trim_start_matches('[').trim_end_matches(']');
    without_port.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The JSON body of a request, or why it cannot be read.
type JsonBody<T> = Result<Json<T>, JsonRejection>;

/// Returns 204, or 400 with the error.
fn no_content_or_error(result: Result<(), String>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => error_response(StatusCode::BAD_REQUEST, &reason),
    }
}

fn read<T>(body: JsonBody<T>) -> Result<T, String> {
    body.map(|Json(body)| body).map_err(|rejection| rejection.body_text())
}

/// Returns an error response.
fn error_response(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"error": text}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["127.0.0.1", "127.0.0.1:80", "localhost:8080", "LOCALHOST", "[::1]:80"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "example.org", "127.0.0.1.example.org:80", "10.0.0.1:80", "[::2]"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
