//! Who signs in to Microsoft Entra ID, and how it proves that.
//!
//! The requests for tokens are those of `azure_identity`, over our own HTTP client. What it lacks is here: where nothing is
//! configured, which identity this machine has; tokens that are kept as long as they live; errors that say what to change.
//!
//! [Authenticate Azure Batch services with Entra ID](https://learn.microsoft.com/azure/batch/batch-aad-auth)

mod arc;
mod certificate;
mod cloud;
mod environment;
mod machine;
mod source;
mod tokens;
mod transport;

pub use certificate::Certificate;
pub use tokens::{Service, Tokens};

use crate::{Error, Result, secret::Secret};
use azure_core_1::credentials::AccessToken;
use cloud::Authority;
use source::Source;
use std::{fmt, sync::Arc};

/// An identity of Entra ID. Cheap to clone; two are equal where they would get the same tokens.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity(Arc<Source>);

impl Identity {
    /// A service principal that has a secret.
    ///
    /// # Errors
    /// A `Configuration` error where an id cannot be one.
    pub fn with_secret(tenant: &str, client: &str, secret: &str) -> Result<Self> {
        let principal = source::Principal::new(tenant, client)?;
        Ok(Self::of(Source::Secret(principal, Secret::new(secret))))
    }

    /// A service principal that has a certificate.
    ///
    /// # Errors
    /// A `Configuration` error where an id cannot be one.
    pub fn with_certificate(tenant: &str, client: &str, certificate: Certificate) -> Result<Self> {
        let principal = source::Principal::new(tenant, client)?;
        Ok(Self::of(Source::Certificate(principal, certificate)))
    }

    /// The identity that this process has by its environment variables, by a file of its pod, or by its machine: the first
    /// of them that is set up. What is given here goes before `AZURE_TENANT_ID` and `AZURE_CLIENT_ID`.
    ///
    /// # Errors
    /// A `Configuration` error where an id cannot be one, or a certificate cannot be read.
    pub fn of_environment(
        tenant: Option<&str>,
        client: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        environment::find(tenant, client, &variable).map(Self::of)
    }

    fn of(source: Source) -> Self {
        Self(Arc::new(source))
    }

    /// What is tried, for errors.
    fn action(&self, authority: &Authority) -> String {
        format!("sign in as {} at {}", self.0, self.0.place(authority))
    }

    async fn fetch(
        &self,
        http: &reqwest::Client,
        authority: &Authority,
        scope: &str,
    ) -> Result<AccessToken> {
        self.0.fetch(http, authority, scope).await
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Refuses what cannot be the id of a tenant: a GUID, or a domain. It is not shown: a secret may have been written in its place.
///
/// # Errors
/// A `Configuration` error that says what one is.
pub fn check_tenant(tenant: &str) -> Result<()> {
    let is_tenant = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if !tenant.is_empty() && tenant.len() <= 253 && tenant.chars().all(is_tenant) {
        return Ok(());
    }
    let reason = "this cannot be a tenant: it is a GUID, the directory (tenant) ID on the app registration's Overview, \
                  or a domain such as contoso.onmicrosoft.com";
    Err(Error::configuration(reason))
}

/// Refuses what cannot be the id of an application: a GUID. It is not shown.
///
/// # Errors
/// A `Configuration` error that says what one is.
pub fn check_client(client: &str) -> Result<()> {
    if uuid::Uuid::try_parse(client).is_ok() {
        return Ok(());
    }
    let reason = "this cannot be a client: it is a GUID, the application (client) ID on the app registration's or the \
                  managed identity's Overview";
    Err(Error::configuration(reason))
}
