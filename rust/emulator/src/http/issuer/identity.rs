//! The endpoints for managed identities: of virtual machines (IMDS), App Service and Azure Arc.
//!
//! [Virtual machines](https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token),
//! [App Service](https://learn.microsoft.com/azure/app-service/overview-managed-identity),
//! [Azure Arc](https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication)

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use axum::http::request::Parts;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{answer as json_answer, refused};
use crate::entra::managed::{NoIdentity, Selector};
use crate::entra::{AccessToken, Directory};
use crate::http::answer::Answer;
use crate::http::authentication::header;
use crate::http::call::Query;
use crate::http::insert;
use crate::settings::EntraSettings;

/// Which kind of machine an endpoint is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    VirtualMachine,
    AppService,
    Arc,
}

/// What the endpoints need besides the directory.
pub(super) struct Endpoints {
    /// What clients of App Service send.
    identity_header: Option<String>,
    /// Where the key files of Arc are created.
    arc_keys: Option<PathBuf>,
    /// The key files that were not used yet, with their contents.
    challenges: Mutex<BTreeMap<PathBuf, String>>,
}

impl Endpoints {
    pub(super) fn new(settings: &EntraSettings) -> Endpoints {
        Endpoints {
            identity_header: settings.identity_header.clone(),
            arc_keys: settings.arc_keys.clone(),
            challenges: Mutex::default(),
        }
    }

    /// Creates a key file that only those who may read it can answer with.
    fn challenge(&self, directory: &Path) -> std::io::Result<PathBuf> {
        let path = directory.join(format!("{}.key", Uuid::new_v4()));
        let key = Uuid::new_v4().simple().to_string();
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(key.as_bytes())?;
        let mut challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        challenges.insert(path.clone(), key);
        Ok(path)
    }

    /// Returns whether this is the content of a key file, and removes the file.
    fn is_answered(&self, key: &str) -> bool {
        let mut challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        let found = challenges.iter().find(|(_, own)| *own == key).map(|(path, _)| path.clone());
        let Some(path) = found else { return false };
        challenges.remove(&path);
        std::fs::remove_file(&path).ok();
        true
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        let challenges = self.challenges.get_mut().unwrap_or_else(PoisonError::into_inner);
        for path in challenges.keys() {
            std::fs::remove_file(path).ok();
        }
    }
}

impl Kind {
    pub(super) fn find(path: &str) -> Option<Kind> {
        match path {
            "/metadata/identity/oauth2/token" => Some(Kind::VirtualMachine),
            "/msi/token" => Some(Kind::AppService),
            "/arc/token" => Some(Kind::Arc),
            _ => None,
        }
    }
}

/// Answers a request for a token.
pub(super) fn answer(
    endpoints: &Endpoints,
    directory: &Directory,
    kind: Kind,
    request: &Parts,
) -> Answer {
    let Ok(query) = Query::parse(request.uri.query().unwrap_or("")) else {
        return invalid("A query variable is not valid");
    };
    let denied = match kind {
        Kind::VirtualMachine => check_metadata(request),
        Kind::AppService => check_identity_header(endpoints, request),
        Kind::Arc => check_metadata(request).or_else(|| check_challenge(endpoints, request)),
    };
    denied.unwrap_or_else(|| token(directory, kind, &query))
}

fn token(directory: &Directory, kind: Kind, query: &Query) -> Answer {
    for name in ["api-version", "resource"] {
        if query.get(name).is_none_or(str::is_empty) {
            return invalid(&format!("Required query variable '{name}' is missing"));
        }
    }
    let selector = selector(kind, query);
    if kind == Kind::Arc && selector != Selector::SystemAssigned {
        return invalid("Azure Arc has no user-assigned identities");
    }
    let resource = query.get("resource").unwrap_or_default();
    match directory.managed_token(selector, resource, OffsetDateTime::now_utc()) {
        Ok(token) => json_answer(200, &granted(kind, &token), None),
        Err(NoIdentity::Refused(refusal)) => refused(&refusal, None),
        Err(NoIdentity::Ambiguous) => invalid(
            "Multiple user assigned identities exist, please specify the clientId / resourceId of \
             the identity in the token request",
        ),
        Err(NoIdentity::NotFound) if kind == Kind::AppService => {
            let message = "Unable to load the proper Managed Identity.";
            app_service_error(400, message)
        }
        Err(NoIdentity::NotFound) => invalid("Identity not found"),
    }
}

fn selector(kind: Kind, query: &Query) -> Selector<'_> {
    let (object_id, resource_id, default) = match kind {
        Kind::VirtualMachine => ("object_id", "msi_res_id", Selector::Default),
        Kind::Arc => ("object_id", "msi_res_id", Selector::SystemAssigned),
        Kind::AppService => ("principal_id", "mi_res_id", Selector::SystemAssigned),
    };
    let given = |name| query.get(name).filter(|value| !value.is_empty());
    if let Some(id) = given("client_id") {
        Selector::ClientId(id)
    } else if let Some(id) = given(object_id) {
        Selector::ObjectId(id)
    } else {
        given(resource_id).map_or(default, Selector::ResourceId)
    }
}

/// Returns the body of a response; its numbers are texts.
fn granted(kind: Kind, token: &AccessToken) -> Value {
    let mut body = json!({
        "access_token": token.text,
        "client_id": token.client_id.to_string(),
        "expires_on": token.expires.to_string(),
        "resource": token.audience,
        "token_type": "Bearer",
    });
    if kind != Kind::AppService {
        let life = token.life.as_secs().to_string();
        body["expires_in"] = json!(life);
        body["ext_expires_in"] = json!(life);
        body["not_before"] = json!(token.not_before.to_string());
    }
    body
}

fn check_metadata(request: &Parts) -> Option<Answer> {
    let given = header(&request.headers, "metadata");
    (!given.eq_ignore_ascii_case("true")).then(|| invalid("Required metadata header not specified"))
}

fn check_identity_header(endpoints: &Endpoints, request: &Parts) -> Option<Answer> {
    let Some(own) = &endpoints.identity_header else {
        return Some(app_service_error(404, "There is no App Service here."));
    };
    let given = header(&request.headers, "x-identity-header");
    (given != own).then(|| app_service_error(401, "Unauthorized"))
}

/// Asks for the content of a key file, unless the request has it.
fn check_challenge(endpoints: &Endpoints, request: &Parts) -> Option<Answer> {
    let Some(directory) = &endpoints.arc_keys else {
        return Some(json_answer(404, &json!({"error": "not_found"}), None));
    };
    let given = header(&request.headers, "authorization");
    if let Some(key) = given.strip_prefix("Basic ") {
        let wrong = || json_answer(401, &json!({"error": "unauthorized"}), None);
        return (!endpoints.is_answered(key.trim())).then(wrong);
    }
    let Ok(path) = endpoints.challenge(directory) else {
        return Some(json_answer(500, &json!({"error": "no key file can be created"}), None));
    };
    let mut challenge = json_answer(401, &json!({"error": "unauthorized"}), None);
    if let Some(response) = &mut challenge.response {
        let realm = format!("Basic realm={}", path.display());
        insert(response.headers_mut(), "www-authenticate", &realm);
    }
    Some(challenge)
}

fn invalid(description: &str) -> Answer {
    let body = json!({"error": "invalid_request", "error_description": description});
    json_answer(400, &body, Some("invalid_request".to_owned()))
}

fn app_service_error(status: u16, message: &str) -> Answer {
    let id = Uuid::new_v4().to_string();
    let body = json!({"statusCode": status, "message": message, "correlationId": id});
    json_answer(status, &body, None)
}
