//! Microsoft Entra ID: issues tokens to the principals of a tenant, and checks them.

mod assertion;
mod certificate;
pub(crate) mod grant;
mod jwt;
mod key;
pub(crate) mod managed;
pub(crate) mod refusal;
mod roles;
mod token;

use std::time::Duration;

use ring::error::Unspecified;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::settings::{EntraSettings, Principal, Proof};
use certificate::Certificate;
pub(crate) use jwt::is_jwt;
use key::SigningKey;
pub(crate) use roles::{Access, Action, Resource, allows};
pub(crate) use token::AccessToken;

/// A tenant with its principals and its keys.
pub(crate) struct Directory {
    /// The tenant that the account belongs to.
    tenant: Uuid,
    other_tenants: Vec<Uuid>,
    principals: Vec<Principal>,
    /// The certificates of applications, by client id.
    certificates: Vec<(Uuid, Certificate)>,
    token_life: Duration,
    /// Signs access tokens.
    key: SigningKey,
    /// Signs the tokens of a cluster's workloads, which federated applications trust.
    cluster: SigningKey,
}

/// Why a directory cannot be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    /// The certificate is not one of an RSA key, as PEM.
    #[error("the certificate of the principal {0} is not PEM, or its key is not an RSA key")]
    Certificate(Uuid),
    /// Two principals have the same client id.
    #[error("the client id {0} is used twice")]
    Twice(Uuid),
    /// No key could be generated.
    #[error("no key could be generated")]
    Key,
}

impl From<Unspecified> for DirectoryError {
    fn from(_: Unspecified) -> DirectoryError {
        DirectoryError::Key
    }
}

impl Directory {
    /// # Errors
    /// Names the principal that cannot be used.
    pub(crate) fn new(settings: &EntraSettings) -> Result<Directory, DirectoryError> {
        let principals = settings.principals.clone();
        for (at, principal) in principals.iter().enumerate() {
            if principals[..at].iter().any(|other| other.client_id == principal.client_id) {
                return Err(DirectoryError::Twice(principal.client_id));
            }
        }
        Ok(Directory {
            tenant: settings.tenant,
            other_tenants: settings.other_tenants.clone(),
            certificates: certificates(&principals)?,
            principals,
            token_life: settings.token_life,
            key: SigningKey::generate()?,
            cluster: SigningKey::generate()?,
        })
    }

    /// Returns a token of the emulator's cluster for this subject, as AKS puts it into a file.
    /// `None` if it cannot be signed.
    pub(crate) fn federated_token(&self, subject: &str, life: Duration) -> Option<String> {
        self.cluster.sign(&assertion::federated_claims(subject, life, OffsetDateTime::now_utc()))
    }

    /// Returns the public keys of a tenant's access tokens, as a JSON Web Key Set. `None` for a
    /// tenant that does not exist.
    pub(crate) fn keys(&self, tenant: &str) -> Option<Value> {
        self.tenant(tenant).ok().map(|_| json!({"keys": [self.key.public()]}))
    }

    fn principal(&self, client_id: &str) -> Option<&Principal> {
        let client_id: Uuid = client_id.parse().ok()?;
        self.principals.iter().find(|principal| principal.client_id == client_id)
    }
}

fn certificates(principals: &[Principal]) -> Result<Vec<(Uuid, Certificate)>, DirectoryError> {
    let mut found = Vec::new();
    for principal in principals {
        for proof in &principal.proofs {
            let Proof::Certificate(pem) = proof else { continue };
            let certificate = Certificate::from_pem(pem);
            let certificate =
                certificate.ok_or(DirectoryError::Certificate(principal.client_id))?;
            found.push((principal.client_id, certificate));
        }
    }
    Ok(found)
}
