//! The admin endpoint, `/_emulator/…`: what one asks of the emulator itself. It is no part of the
//! API, needs no key and is not recorded; only programs on this machine get an answer.

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

use super::Front;
use super::record::RequestRecord;
use super::tally::OperationCount;

/// Where the admin endpoint is.
pub(super) const PATH: &str = "/_emulator";

/// All that is there, for whoever asks for something else.
const PATHS: [&str; 6] = [
    "/_emulator/faults",
    "/_emulator/nodes",
    "/_emulator/operations",
    "/_emulator/pools",
    "/_emulator/requests",
    "/_emulator/settings",
];

/// The routes below [`PATH`].
pub(super) fn router() -> Router<Arc<Front>> {
    Router::new()
        .route("/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/nodes", get(nodes::list).post(nodes::happen))
        .route("/operations", get(operations))
        .route("/pools", post(nodes::allocations))
        .route("/requests", get(requests))
        .route("/settings", get(settings))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_verb)
        .layer(from_fn(guard))
}

async fn operations(State(front): State<Arc<Front>>) -> Json<Vec<OperationCount>> {
    Json(front.records.operations())
}

async fn settings(State(front): State<Arc<Front>>) -> Json<Value> {
    Json(front.settings.clone())
}

async fn requests(State(front): State<Arc<Front>>) -> Json<Vec<RequestRecord>> {
    Json(front.records.all())
}

async fn unknown(OriginalUri(uri): OriginalUri) -> Response {
    let text = format!("there is no {}; there are {}", uri.path(), PATHS.join(", "));
    refusal(StatusCode::NOT_FOUND, &text)
}

async fn wrong_verb(verb: Method, OriginalUri(uri): OriginalUri) -> Response {
    refusal(StatusCode::METHOD_NOT_ALLOWED, &format!("{} has no {verb}", uri.path()))
}

/// Lets no web page in: a browser names the page's origin, and the name by which it found us.
async fn guard(request: Request, next: Next) -> Response {
    match stranger(request.headers()) {
        Some(reason) => refusal(StatusCode::FORBIDDEN, reason),
        None => next.run(request).await,
    }
}

fn stranger(headers: &HeaderMap) -> Option<&'static str> {
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    if headers.contains_key("origin") {
        Some("a request with an Origin header comes from a web page; none may use this")
    } else if !host.is_some_and(is_loopback) {
        Some("the Host header names no loopback address, such as 127.0.0.1 or localhost")
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

/// What a request asks for, or why it cannot be read.
type Asked<T> = Result<Json<T>, JsonRejection>;

/// Nothing more to say, or an error in words.
fn done(result: Result<(), String>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => refusal(StatusCode::BAD_REQUEST, &reason),
    }
}

fn read<T>(asked: Asked<T>) -> Result<T, String> {
    asked.map(|Json(asked)| asked).map_err(|rejection| rejection.body_text())
}

/// An error in words.
fn refusal(status: StatusCode, text: &str) -> Response {
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
