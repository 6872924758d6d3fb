//! Faults: which there are, new ones, none any more.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{Asked, done, read};
use crate::faults::{Fault, FaultCount};
use crate::http::Front;

/// The faults that may be there at once.
const MOST: usize = 1_000;
/// The bytes of a fault's text.
const LONGEST: usize = 1_024;

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
    let fault = read(asked).and_then(|asked| checked(&asked.fault, front.faults.counts().len()));
    done(fault.map(|fault| front.faults.add(fault)))
}

/// Every request looks at every fault.
fn checked(text: &str, there: usize) -> Result<Fault, String> {
    if text.len() > LONGEST {
        return Err(format!("a fault has {LONGEST} bytes at most"));
    }
    match there < MOST {
        true => text.parse(),
        false => Err(format!("there are {MOST} faults already; DELETE takes them back")),
    }
}

pub(super) async fn clear(State(front): State<Arc<Front>>) -> StatusCode {
    front.faults.clear();
    StatusCode::NO_CONTENT
}
