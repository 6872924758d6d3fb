//! Admin requests: list, add and remove faults.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{JsonBody, no_content_or_error, read};
use crate::faults::{Fault, FaultCount};
use crate::http::AppState;

/// The most faults at the same time.
const MAX_FAULTS: usize = 1_000;
/// The most bytes of a fault's text.
const MAX_FAULT_LENGTH: usize = 1_024;

/// The body of a request that adds a fault.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFault {
    /// In the syntax of `--fault`.
    fault: String,
}

pub(super) async fn list(State(state): State<Arc<AppState>>) -> Json<Vec<FaultCount>> {
    Json(state.faults.counts())
}

pub(super) async fn create(
    State(state): State<Arc<AppState>>,
    body: JsonBody<NewFault>,
) -> Response {
    let fault = read(body).and_then(|body| parse_fault(&body.fault, state.faults.counts().len()));
    no_content_or_error(fault.map(|fault| state.faults.add(fault)))
}

/// Parses a fault. Their number is limited because each request is compared with every fault.
fn parse_fault(text: &str, count: usize) -> Result<Fault, String> {
    if text.len() > MAX_FAULT_LENGTH {
        return Err(format!("a fault can have at most {MAX_FAULT_LENGTH} bytes"));
    }
    match count < MAX_FAULTS {
        true => text.parse(),
        false => Err(format!("there are already {MAX_FAULTS} faults; remove them with DELETE")),
    }
}

pub(super) async fn clear(State(state): State<Arc<AppState>>) -> StatusCode {
    state.faults.clear();
    StatusCode::NO_CONTENT
}
