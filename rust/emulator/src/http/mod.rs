//! HTTP: what all requests have in common before and after their operation.

mod admin;
mod answer;
pub(crate) mod authentication;
mod body;
mod call;
mod caller;
pub(crate) mod faults;
pub(crate) mod issuer;
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
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::entra::Directory;
use crate::error::{ApiError, Code, Result};
use crate::faults::Faults;
use crate::service::Service;
use crate::settings::AuthenticationMode;
use answer::{Answer, RequestContext};
use authentication::SharedKey;
use call::{Call, Query};
use caller::Caller;
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
    /// How clients may authenticate.
    pub(crate) authentication_modes: Vec<AuthenticationMode>,
    /// The tenant whose tokens are accepted.
    pub(crate) directory: Option<Arc<Directory>>,
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
pub(crate) fn router(state: Arc<AppState>) -> Router {
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
        Some(fault) => {
            let refuse = |code: Code| context.answer(Err(code.into()));
            faults::apply(fault.failure, carried_out, refuse, &state.closing).await
        }
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
    let (query, caller) = match check(state, &parts, route.as_ref().ok()) {
        Ok(checked) => checked,
        Err(error) => return context.answer(Err(error)),
    };
    let Some(body) = body::read(body, state.client_timeout).await else { return Answer::none() };
    let call = body.and_then(|body| {
        caller.check_body(&body)?;
        Call::new(parts, query, body)
    });
    context.answer(run(state, call, route).await)
}

/// Does the checks that do not need the body.
fn check<'a>(
    state: &'a AppState,
    parts: &Parts,
    route: Option<&Route>,
) -> Result<(Query, Caller<'a>)> {
    let query = Query::parse(parts.uri.query().unwrap_or(""))?;
    let caller = Caller::authenticate(state, parts, &query, route)?;
    check_version(&query)?;
    if let Some(route) = route {
        caller.check_action(route.action())?;
    }
    Ok((query, caller))
}

async fn run(state: &AppState, call: Result<Call>, route: Result<Route>) -> Result<Reply> {
    let call = call?;
    route?.run(&call, &state.service).await
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
