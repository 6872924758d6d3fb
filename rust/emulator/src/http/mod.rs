//! HTTP: what every request has in common before and after its operation.

mod admin;
mod authentication;
mod call;
mod list;
mod operations;
pub(crate) mod record;
mod reply;
mod shown;
pub(crate) mod tally;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use uuid::Uuid;

use crate::error::{ApiError, Code, Result};
use crate::service::Service;
use authentication::SharedKey;
use call::{Call, Query};
use operations::route::Route;
use record::Records;
use reply::Reply;

/// The largest request body, in bytes.
const BODY: usize = 1_048_576;

/// How much of a body that is too large is read all the same.
const DRAINED: usize = 32 * BODY;

/// The versions whose wire format the emulator speaks.
const VERSIONS: [&str; 2] = ["2025-06-01", "2024-07-01.20.0"];

/// What the requests of an emulator share.
pub(crate) struct Front {
    pub(crate) service: Arc<Service>,
    pub(crate) shared_key: SharedKey,
    pub(crate) records: Records,
}

impl Front {
    pub(crate) fn new(
        service: Arc<Service>,
        account: &str,
        key: Vec<u8>,
        records: Records,
    ) -> Self {
        Front { service, shared_key: SharedKey::new(account, key), records }
    }
}

/// The router of an account: every request of the API goes the same way.
pub(crate) fn router(front: Arc<Front>) -> Router {
    Router::new().nest(admin::PATH, admin::router()).fallback(handle).with_state(front)
}

async fn handle(State(front): State<Arc<Front>>, request: Request) -> Response {
    let route = Route::find(request.method().as_str(), request.uri().path());
    let arrival = front.records.arrive(&request, route.as_ref().ok().map(Route::name));
    let request_id = Uuid::new_v4().to_string();
    let client_request_id = client_request_id(request.headers());
    let head = request.method() == Method::HEAD;
    let result = answer(&front, request, route).await;
    let code = result.as_ref().err().map(|error| error.code.name());
    let reply = result.unwrap_or_else(|error| Reply::error(&error, &request_id));
    let mut response = reply.into_response(head);
    let headers = response.headers_mut();
    insert(headers, "request-id", &request_id);
    insert(headers, "dataserviceversion", "3.0");
    if let Some(id) = client_request_id.filter(|id| id.echo) {
        insert(headers, "client-request-id", &id.value);
    }
    front.records.answered(arrival, response.status(), code);
    response
}

async fn answer(front: &Front, request: Request, route: Result<Route>) -> Result<Reply> {
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or(""))?;
    front.shared_key.check(&parts, &query)?;
    check_version(&query)?;
    let call = Call::new(parts, query, read_body(body).await?)?;
    route?.run(&call, &front.service).await
}

/// Reads on for a while where a body is too large: a client that is still writing when the
/// connection closes would not see the answer.
async fn read_body(body: Body) -> Result<Bytes> {
    let mut stream = body.into_data_stream();
    let (mut read, mut length) = (BytesMut::new(), 0);
    while let Some(piece) = stream.next().await {
        let piece = piece
            .map_err(|error| ApiError::internal("reading the body", &io::Error::other(error)))?;
        length += piece.len();
        if length <= BODY {
            read.extend_from_slice(&piece);
        } else if length > DRAINED {
            break;
        }
    }
    match length <= BODY {
        true => Ok(read.freeze()),
        false => Err(ApiError::from(Code::RequestBodyTooLarge).with("MaxLimit", BODY.to_string())),
    }
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

struct ClientRequestId {
    value: String,
    echo: bool,
}

fn client_request_id(headers: &HeaderMap) -> Option<ClientRequestId> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let echo =
        text("return-client-request-id").is_some_and(|echo| echo.eq_ignore_ascii_case("true"));
    text("client-request-id").map(|value| ClientRequestId { value: value.to_owned(), echo })
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
