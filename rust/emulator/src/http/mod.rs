//! HTTP: what all requests have in common before and after their operation.

mod admin;
mod answer;
pub(crate) mod authentication;
mod body;
mod call;
pub(crate) mod faults;
mod list;
pub(crate) mod load;
pub(crate) mod operation_counts;
pub(crate) mod operations;
pub(crate) mod record;
mod reply;
pub(crate) mod server;
mod views;

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
use answer::{Answer, RequestContext};
use authentication::SharedKey;
use call::{Call, Query};
use load::Load;
use operations::route::Route;
use record::Records;
use reply::Reply;

/// The supported API versions: every stable one since 2019-08-01.10.0. What the emulator supports
/// has had the same names in all of them, except a pool's `taskSlotsPerNode`: the older name
/// `maxTasksPerNode` is accepted too, and answers have the newer one.
const VERSIONS: [&str; 11] = [
    "2025-06-01",
    "2024-07-01.20.0",
    "2024-02-01.19.0",
    "2023-11-01.18.0",
    "2023-05-01.17.0",
    "2022-10-01.16.0",
    "2022-01-01.15.0",
    "2021-06-01.14.0",
    "2020-09-01.12.0",
    "2020-03-01.11.0",
    "2019-08-01.10.0",
];

/// What all requests of an emulator share.
pub(crate) struct AppState {
    pub(crate) service: Arc<Service>,
    pub(crate) shared_key: SharedKey,
    pub(crate) records: Records,
    pub(crate) faults: Faults,
    pub(crate) load: Load,
    /// The settings, without secrets.
    pub(crate) settings: serde_json::Value,
    /// The difference between the service's clock and this machine's.
    pub(crate) clock_offset: time::Duration,
    /// How long a client may be silent before its connection is closed.
    pub(crate) client_timeout: Duration,
    /// Cancelled to stop the server and close all connections.
    pub(crate) closing: CancellationToken,
}

impl AppState {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.clock_offset
    }
}

/// The router of an account: all API requests go to one handler.
fn router(state: Arc<AppState>) -> Router {
    Router::new().nest(admin::PATH, admin::router()).fallback(handle).with_state(state)
}

async fn handle(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let route = Route::find(request.method().as_str(), request.uri().path());
    let operation = route.as_ref().ok().map(Route::name);
    let refused = state.load.refuse(operation);
    let fault = state.faults.requests.fire(operation).or(refused);
    let record = state.records.add(&request, operation, fault.as_ref());
    let context = RequestContext::of(&request, state.now());
    let carried_out = carry_out(&state, &context, request, route);
    let answer = match fault {
        Some(fault) => faults::apply(fault.failure, &context, carried_out, &state.closing).await,
        None => carried_out.await,
    };
    state.records.complete(record, &answer);
    answer.into_response()
}

async fn carry_out(
    state: &AppState,
    context: &RequestContext,
    request: Request,
    route: Result<Route>,
) -> Answer {
    let (parts, body) = request.into_parts();
    let query = match check(state, &parts, route.as_ref().ok()) {
        Ok(query) => query,
        Err(error) => return context.answer(Err(error)),
    };
    match body::read(body, state.client_timeout).await {
        Some(body) => context.answer(run(state, parts, query, body, route).await),
        None => Answer::none(),
    }
}

/// Does the checks that do not need the body.
fn check(state: &AppState, parts: &Parts, route: Option<&Route>) -> Result<Query> {
    let query = Query::parse(parts.uri.query().unwrap_or(""))?;
    match authentication::bearer_token(&parts.headers) {
        Some(token) => check_token(state, token, route)?,
        None => state.shared_key.check(parts, &query, state.now())?,
    }
    check_version(&query)?;
    Ok(query)
}

async fn run(
    state: &AppState,
    parts: Parts,
    query: Query,
    body: Result<Bytes>,
    route: Result<Route>,
) -> Result<Reply> {
    let call = Call::new(parts, query, body?)?;
    route?.run(&call, &state.service).await
}

/// Accepts the token of a running task for operations on its job.
fn check_token(state: &AppState, token: &str, route: Option<&Route>) -> Result<()> {
    let job = route.and_then(Route::job);
    match job.is_some_and(|job| state.service.token_allows(token, job)) {
        true => Ok(()),
        false => Err(authentication::failed("the token is not that of a running task of this job")),
    }
}

fn check_version(query: &Query) -> Result<()> {
    match query.get("api-version") {
        None => Err(ApiError::from(Code::MissingRequiredQueryParameter)
            .with("QueryParameterName", "api-version")),
        Some(version) if VERSIONS.contains(&version) => Ok(()),
        Some(version) => {
            let reason = format!("the emulator supports {}", VERSIONS.join(", "));
            Err(ApiError::query("api-version", version, reason))
        }
    }
}

/// Adds a header, unless the value is not valid in a header.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
