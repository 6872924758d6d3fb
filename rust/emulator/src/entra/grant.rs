//! The grant of a token for client credentials: what `/oauth2/v2.0/token` answers.
//!
//! [Client credentials
//! flow](https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow)

use std::collections::HashMap;

use time::OffsetDateTime;
use url::form_urlencoded;
use uuid::Uuid;

use super::refusal::Refusal;
use super::{AccessToken, Directory};
use crate::settings::{Principal, Proof};

/// The type of an assertion that is a JSON Web Token.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The services for which tokens are issued. Each can also be named with a slash at the end, which
/// is then a part of the token's audience.
const RESOURCES: [&str; 2] = ["https://batch.core.windows.net", "https://storage.azure.com"];

/// The parameters of a request, decoded.
pub(crate) struct Form(HashMap<String, String>);

impl Form {
    pub(crate) fn parse(text: &[u8]) -> Form {
        Form(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Returns a parameter that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn require(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }
}

impl Directory {
    /// Issues a token to an application that proves who it is.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn grant(
        &self,
        tenant: &str,
        form: &Form,
        now: OffsetDateTime,
    ) -> Result<AccessToken, Refusal> {
        let tenant = self.tenant(tenant)?;
        let kind = form.require("grant_type")?;
        if kind != "client_credentials" {
            let message = format!("The app requested an unsupported grant type '{kind}'.");
            return Err(Refusal::request(70003, "unsupported_grant_type", message));
        }
        let principal = self.application(form.require("client_id")?)?;
        let scope = form.require("scope")?;
        self.check_proof(tenant, principal, form, now)?;
        let audience = self.check_resource(resource(scope)?)?;
        self.issue(tenant, principal, audience, now).ok_or_else(|| Refusal::transient(500))
    }

    /// Finds a tenant.
    pub(super) fn tenant(&self, named: &str) -> Result<Uuid, Refusal> {
        let mut known = self.other_tenants.iter().chain([&self.tenant]);
        let found = named.parse().ok().filter(|id| known.any(|tenant| tenant == id));
        found.ok_or_else(|| {
            let message = format!(
                "Tenant '{named}' not found. Check to make sure you have the correct tenant ID and \
                 are signing into the correct cloud. Check with your subscription administrator, \
                 this may happen if there are no active subscriptions for the tenant."
            );
            Refusal::request(90002, "invalid_request", message)
        })
    }

    /// Finds an application. A managed identity is none.
    fn application(&self, client_id: &str) -> Result<&Principal, Refusal> {
        let found = self.principal(client_id).filter(|principal| !is_only_managed(principal));
        found.ok_or_else(|| {
            let tenant = self.tenant;
            let message = format!(
                "Application with identifier '{client_id}' was not found in the directory \
                 '{tenant}'. This can happen if the application has not been installed by the \
                 administrator of the tenant or consented to by any user in the tenant. You may \
                 have sent your authentication request to the wrong tenant."
            );
            Refusal::request(700016, "unauthorized_client", message)
        })
    }

    fn check_proof(
        &self,
        tenant: Uuid,
        principal: &Principal,
        form: &Form,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        if let Some(assertion) = form.get("client_assertion") {
            let kind = form.require("client_assertion_type")?;
            if kind != JWT_BEARER {
                let message = format!("The client assertion type '{kind}' is not supported.");
                return Err(Refusal::request(50027, "invalid_request", message));
            }
            return self.check_assertion(tenant, principal, assertion, now);
        }
        let secret = form.get("client_secret").ok_or_else(|| {
            let names = "'client_assertion' or 'client_secret'";
            let message =
                format!("The request body must contain the following parameter: {names}.");
            Refusal::client(7000218, message)
        })?;
        check_secret(principal, secret)
    }

    /// Returns the audience of tokens for a service.
    ///
    /// # Errors
    /// When the tenant does not know the service.
    pub(super) fn check_resource<'a>(&self, resource: &'a str) -> Result<&'a str, Refusal> {
        if RESOURCES.contains(&resource.strip_suffix('/').unwrap_or(resource)) {
            return Ok(resource);
        }
        let tenant = self.tenant;
        let message = format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. \
             This can happen if the application has not been installed by the administrator of the \
             tenant or consented to by any user in the tenant. You might have sent your \
             authentication request to the wrong tenant."
        );
        Err(Refusal::request(500011, "invalid_resource", message))
    }
}

fn is_only_managed(principal: &Principal) -> bool {
    let managed = |proof: &Proof| matches!(proof, Proof::SystemAssigned | Proof::UserAssigned(_));
    !principal.proofs.is_empty() && principal.proofs.iter().all(managed)
}

fn check_secret(principal: &Principal, secret: &str) -> Result<(), Refusal> {
    let id = principal.client_id;
    if principal.proofs.contains(&Proof::Secret(secret.to_owned())) {
        return Ok(());
    }
    if principal.proofs.contains(&Proof::ExpiredSecret(secret.to_owned())) {
        let message = format!(
            "The provided client secret keys for app '{id}' are expired. Visit the Azure portal to \
             create new keys for your app: https://aka.ms/NewClientSecret, or consider using \
             certificate credentials for added security: https://aka.ms/certCreds."
        );
        return Err(Refusal::client(7000222, message));
    }
    let message = format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client \
         secret value, not the client secret ID, for a secret added to app '{id}'."
    );
    Err(Refusal::client(7000215, message))
}

/// Returns the service that a scope is for.
fn resource(scope: &str) -> Result<&str, Refusal> {
    scope.strip_suffix("/.default").filter(|resource| !resource.contains(' ')).ok_or_else(|| {
        let message = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a \
             scope value with /.default suffixed to the resource identifier (application ID URI)."
        );
        Refusal::request(1002012, "invalid_scope", message)
    })
}
