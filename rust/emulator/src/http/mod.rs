//! HTTP: what every request has in common before and after its operation.

mod admin;
mod answer;
pub(crate) mod authentication;
mod body;
mod call;
pub(crate) mod faults;
mod list;
pub(crate) mod operations;
pub(crate) mod record;
mod reply;
pub(crate) mod server;
mod shown;
pub(crate) mod tally;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::error::{ApiError, Code, Result};
use crate::faults::Faults;
use crate::service::Service;
use answer::{Answer, Caller};
use authentication::SharedKey;
use call::{Call, Query};
use operations::route::Route;
use record::Records;
use reply::Reply;

/// The versions whose wire format the emulator speaks.
const VERSIONS: [&str; 2] = ["2025-06-01", "2024-07-01.20.0"];

/// What the requests of an emulator share.
pub(crate) struct Front {
    pub(crate) service: Arc<Service>,
    pub(crate) shared_key: SharedKey,
    pub(crate) records: Records,
    pub(crate) faults: Faults,
    /// The settings, without secrets.
    pub(crate) settings: serde_json::Value,
    /// How far the clock of the answers is from this machine's.
    pub(crate) clock_offset: time::Duration,
    /// How long a client may be silent before its connection is closed.
    pub(crate) client_timeout: Duration,
    /// Cancelled to end the server with all its connections.
    pub(crate) closing: CancellationToken,
}

impl Front {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.clock_offset
    }
}

/// The router of an account: every request of the API goes the same way.
fn router(front: Arc<Front>) -> Router {
    Router::new().nest(admin::PATH, admin::router()).fallback(handle).with_state(front)
}

async fn handle(State(front): State<Arc<Front>>, request: Request) -> Response {
    let route = Route::find(request.method().as_str(), request.uri().path());
    let operation = route.as_ref().ok().map(Route::name);
    let fault = front.faults.requests.strike(operation);
    let arrival = front.records.arrive(&request, operation, fault.as_ref());
    let caller = Caller::of(&request, front.now());
    let carried_out = carry_out(&front, &caller, request, route);
    let answer = match fault {
        Some(fault) => faults::meet(fault.what, &caller, carried_out, &front.closing).await,
        None => carried_out.await,
    };
    front.records.answered(arrival, &answer);
    answer.into_response()
}

async fn carry_out(
    front: &Front,
    caller: &Caller,
    request: Request,
    route: Result<Route>,
) -> Answer {
    let (parts, body) = request.into_parts();
    let query = match check(front, &parts) {
        Ok(query) => query,
        Err(error) => return caller.answer(Err(error)),
    };
    match body::read(body, front.client_timeout).await {
        Some(body) => caller.answer(run(front, parts, query, body, route).await),
        None => Answer::none(),
    }
}

/// Checks what needs no body.
fn check(front: &Front, parts: &Parts) -> Result<Query> {
    let query = Query::parse(parts.uri.query().unwrap_or(""))?;
    front.shared_key.check(parts, &query, front.now())?;
    check_version(&query)?;
    Ok(query)
}

async fn run(
    front: &Front,
    parts: Parts,
    query: Query,
    body: Result<Bytes>,
    route: Result<Route>,
) -> Result<Reply> {
    let call = Call::new(parts, query, body?)?;
    route?.run(&call, &front.service).await
}

fn check_version(query: &Query) -> Result<()> {
    match query.get("api-version") {
        None => Err(ApiError::from(Code::MissingRequiredQueryParameter)
            .with("QueryParameterName", "api-version")),
        Some(version) if VERSIONS.contains(&version) => Ok(()),
        Some(version) => Err(ApiError::from(Code::UnsupportedRequestVersion)
            .with("QueryParameterValue", version)
            .with("Reason", format!("the emulator knows {}", VERSIONS.join(" and ")))),
    }
}

/// With a header, unless its value is none that a header can hold.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
