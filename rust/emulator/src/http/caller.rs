//! Who sends a request, and what they may do.

use axum::http::request::Parts;
use serde_json::Value;

use super::AppState;
use super::authentication::{failed, header};
use super::call::Query;
use super::operations::route::Route;
use crate::entra::{Access, Action, Directory, Resource, allows, is_jwt};
use crate::error::{ApiError, Code, Result};
use crate::settings::{AuthenticationMode, Role};

/// Who sends a request.
pub(super) enum Caller<'a> {
    /// The holder of the account's key, who may do everything, or a task with a token for this
    /// operation.
    Unrestricted,
    /// A principal of Microsoft Entra ID with these roles.
    Principal(&'a [Role]),
}

impl<'a> Caller<'a> {
    /// Finds out who sends a request: by its signature, the token of a running task, or a token of
    /// Microsoft Entra ID.
    ///
    /// # Errors
    /// `AuthenticationFailed`, or `InvalidAuthenticationInfo` for a malformed header.
    pub(super) fn authenticate(
        state: &'a AppState,
        parts: &Parts,
        query: &Query,
        route: Option<&Route>,
    ) -> Result<Caller<'a>> {
        let given = header(&parts.headers, "authorization");
        match (given.strip_prefix("Bearer ").map(str::trim), &state.directory) {
            (Some(token), Some(directory)) if is_jwt(token) => {
                check_mode(state, AuthenticationMode::Aad, Code::TokenRejected)?;
                principal(state, directory, token)
            }
            (Some(token), _) => {
                let mode = AuthenticationMode::TaskAuthenticationToken;
                check_mode(state, mode, Code::AuthenticationFailed)?;
                check_task(state, token, route)
            }
            (None, _) => {
                if given.starts_with("SharedKey ") {
                    check_mode(state, AuthenticationMode::SharedKey, Code::AuthenticationFailed)?;
                }
                state.shared_key.check(parts, query, state.now())?;
                Ok(Caller::Unrestricted)
            }
        }
    }

    /// # Errors
    /// `InsufficientAccountPermissions` if no role of the caller allows the action.
    pub(super) fn check_action(&self, action: Action) -> Result<()> {
        match self {
            Caller::Principal(roles) if !allows(roles, action) => {
                Err(Code::InsufficientAccountPermissions.into())
            }
            _ => Ok(()),
        }
    }

    /// Checks what only the body shows: a job with an auto pool needs the right to create pools.
    ///
    /// # Errors
    /// As [`Caller::check_action`].
    pub(super) fn check_body(&self, body: &[u8]) -> Result<()> {
        let Caller::Principal(_) = self else { return Ok(()) };
        let has_auto_pool = |job: &Value| !job["poolInfo"]["autoPoolSpecification"].is_null();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match has_auto_pool(&body) || has_auto_pool(&body["jobSpecification"]) {
            true => self.check_action(Action { resource: Resource::Pools, access: Access::Write }),
            false => Ok(()),
        }
    }
}

/// Refuses what the account does not allow.
fn check_mode(state: &AppState, mode: AuthenticationMode, code: Code) -> Result<()> {
    if state.authentication_modes.contains(&mode) {
        return Ok(());
    }
    let name = mode.name();
    let detail =
        format!("The specified type of authentication {name} is not allowed for this account.");
    Err(ApiError::from(code).with("AuthenticationErrorDetail", detail))
}

fn principal<'a>(state: &AppState, directory: &'a Directory, token: &str) -> Result<Caller<'a>> {
    match directory.check(token, state.now()) {
        Ok(principal) => Ok(Caller::Principal(&principal.roles)),
        Err(detail) => {
            Err(ApiError::from(Code::TokenRejected).with("AuthenticationErrorDetail", detail))
        }
    }
}

/// Accepts the token of a running task for operations on its job.
fn check_task<'a>(state: &AppState, token: &str, route: Option<&Route>) -> Result<Caller<'a>> {
    let job = route.and_then(Route::job);
    match job.is_some_and(|job| state.service.token_allows(token, job)) {
        true => Ok(Caller::Unrestricted),
        false => Err(failed("the token is not that of a running task of this job")),
    }
}
