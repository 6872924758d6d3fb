//! The admin endpoint, `/_emulator/…`: what one asks of the emulator itself. It is no part of the
//! API, needs no key and is not recorded; only programs on this machine get an answer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::Front;
use super::record::RequestRecord;
use super::tally::OperationCount;
use crate::faults::FaultCount;

/// Where the admin endpoint is.
pub(super) const PATH: &str = "/_emulator";

/// All that is there, for whoever asks for something else.
const PATHS: [&str; 3] = ["/_emulator/faults", "/_emulator/operations", "/_emulator/requests"];

/// The routes below [`PATH`].
pub(super) fn router() -> Router<Arc<Front>> {
    Router::new()
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/operations", get(operations))
        .route("/requests", get(requests))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_verb)
        .layer(from_fn(guard))
}

async fn operations(State(front): State<Arc<Front>>) -> Json<Vec<OperationCount>> {
    Json(front.records.operations())
}

async fn requests(State(front): State<Arc<Front>>) -> Json<Vec<RequestRecord>> {
    Json(front.records.all())
}

async fn faults(State(front): State<Arc<Front>>) -> Json<Vec<FaultCount>> {
    Json(front.faults.counts())
}

/// The body of a request for a fault.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFault {
    /// As `--fault` takes it.
    fault: String,
}

async fn add_fault(
    State(front): State<Arc<Front>>,
    body: Result<Json<NewFault>, JsonRejection>,
) -> Response {
    let fault =
        body.map_err(|rejection| rejection.body_text()).and_then(|Json(asked)| asked.fault.parse());
    match fault {
        Ok(fault) => {
            front.faults.add(fault);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(reason) => refusal(StatusCode::BAD_REQUEST, &reason),
    }
}

async fn clear_faults(State(front): State<Arc<Front>>) -> StatusCode {
    front.faults.clear();
    StatusCode::NO_CONTENT
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
