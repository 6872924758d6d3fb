//! Faults: which there are, new ones, none any more.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{Asked, done, read};
use crate::faults::FaultCount;
use crate::http::Front;

/// A fault to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFault {
    /// As `--fault` takes it.
    fault: String,
}

pub(super) async fn list(State(front): State<Arc<Front>>) -> Json<Vec<FaultCount>> {
    Json(front.faults.counts())
}

pub(super) async fn add(State(front): State<Arc<Front>>, asked: Asked<NewFault>) -> Response {
    let fault = read(asked).and_then(|asked| asked.fault.parse());
    done(fault.map(|fault| front.faults.add(fault)))
}

pub(super) async fn clear(State(front): State<Arc<Front>>) -> StatusCode {
    front.faults.clear();
    StatusCode::NO_CONTENT
}
