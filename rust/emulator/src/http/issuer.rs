//! The issuer of tokens: Entra's token endpoint and its public keys, and the endpoints of machines
//! for their managed identities.

mod identity;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::answer::Answer;
use super::authentication::header;
use super::operations::{GET_IDENTITY_TOKEN, GET_KEYS, GET_TOKEN};
use super::{AppState, body, faults};
use crate::entra::grant::Form;
use crate::entra::refusal::Refusal;
use crate::entra::{AccessToken, Directory};
use crate::error::Code;
use crate::settings::EntraSettings;

/// A request to the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// The token endpoint of this tenant.
    Token { tenant: String },
    /// The public keys of this tenant.
    Keys { tenant: String },
    /// An endpoint for managed identities.
    Identity(identity::Kind),
}

/// What the requests to the issuer share.
struct Issuer {
    /// Its records and faults are those of the account.
    account: Arc<AppState>,
    directory: Arc<Directory>,
    endpoints: identity::Endpoints,
}

/// The router of the issuer.
pub(crate) fn router(
    account: Arc<AppState>,
    directory: Arc<Directory>,
    settings: &EntraSettings,
) -> Router {
    let endpoints = identity::Endpoints::new(settings);
    Router::new().fallback(handle).with_state(Arc::new(Issuer { account, directory, endpoints }))
}

async fn handle(State(issuer): State<Arc<Issuer>>, request: Request) -> Response {
    let Some(target) = Target::find(request.method(), request.uri().path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let account = &issuer.account;
    let fault = account.faults.requests.fire(Some(target.operation()));
    let record = account.records.add(&request, Some(target.operation()), fault.as_ref());
    let carried_out = carry_out(&issuer, &target, request);
    let answer = match fault {
        Some(fault) => {
            let refuse = |code: Code| refused(&Refusal::transient(code.status().as_u16()), None);
            faults::apply(fault.failure, carried_out, refuse, &account.closing).await
        }
        None => carried_out.await,
    };
    account.records.complete(record, &answer);
    answer.into_response()
}

async fn carry_out(issuer: &Issuer, target: &Target, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let tenant = match target {
        Target::Token { tenant } => tenant,
        Target::Keys { tenant } => return keys(&issuer.directory, tenant),
        Target::Identity(kind) => {
            return identity::answer(&issuer.endpoints, &issuer.directory, *kind, &parts);
        }
    };
    let Some(body) = body::read(body, issuer.account.client_timeout).await else {
        return Answer::none();
    };
    let id = header(&parts.headers, "client-request-id");
    token(
        &issuer.directory,
        tenant,
        &body.unwrap_or_default(),
        Some(id).filter(|id| !id.is_empty()),
    )
}

impl Target {
    fn find(method: &Method, path: &str) -> Option<Target> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (method, segments.as_slice()) {
            (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => {
                Some(Target::Token { tenant: (*tenant).to_owned() })
            }
            (&Method::GET, [tenant, "discovery", "v2.0", "keys"]) => {
                Some(Target::Keys { tenant: (*tenant).to_owned() })
            }
            (&Method::GET, _) => identity::Kind::find(path).map(Target::Identity),
            _ => None,
        }
    }

    fn operation(&self) -> &'static str {
        match self {
            Target::Token { .. } => GET_TOKEN,
            Target::Keys { .. } => GET_KEYS,
            Target::Identity(_) => GET_IDENTITY_TOKEN,
        }
    }
}

fn token(directory: &Directory, tenant: &str, body: &Bytes, correlation: Option<&str>) -> Answer {
    match directory.grant(tenant, &Form::parse(body), OffsetDateTime::now_utc()) {
        Ok(token) => answer(200, &granted(&token), None),
        Err(refusal) => refused(&refusal, correlation),
    }
}

fn keys(directory: &Directory, tenant: &str) -> Answer {
    match directory.keys(tenant) {
        Some(keys) => answer(200, &keys, None),
        None => Answer::new(StatusCode::NOT_FOUND.into_response(), None),
    }
}

fn granted(token: &AccessToken) -> Value {
    let life = token.life.as_secs();
    json!({
        "token_type": "Bearer",
        "expires_in": life,
        "ext_expires_in": life,
        "access_token": token.text,
    })
}

fn refused(refusal: &Refusal, correlation: Option<&str>) -> Answer {
    let body = refusal.body(correlation, OffsetDateTime::now_utc());
    answer(refusal.status, &body, Some(refusal.name()))
}

/// Returns a response with a JSON body.
fn answer(status: u16, body: &Value, code: Option<String>) -> Answer {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "no-store, no-cache"),
    ] {
        super::insert(response.headers_mut(), name, value);
    }
    Answer::new(response, code)
}
