//! Microsoft Entra ID: a tenant, its principals and their roles.

mod parse;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A tenant of Microsoft Entra ID, with an issuer of tokens.
#[derive(Clone)]
pub struct EntraSettings {
    /// The tenant's id.
    pub tenant: Uuid,
    /// Other tenants in which the same applications exist. The account does not accept their
    /// tokens.
    pub other_tenants: Vec<Uuid>,
    /// Who can get tokens.
    pub principals: Vec<Principal>,
    /// How long access tokens are valid.
    pub token_life: Duration,
    /// The loopback address of the issuer. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// What clients of App Service's endpoint must send (its `IDENTITY_HEADER`). Without it there
    /// is no such endpoint.
    pub identity_header: Option<String>,
    /// Where the key files of Azure Arc's endpoint are created. Without it there is no such
    /// endpoint.
    pub arc_keys: Option<PathBuf>,
}

/// An application or a managed identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its client id.
    pub client_id: Uuid,
    /// How it can prove who it is: any of these.
    pub proofs: Vec<Proof>,
    /// Its roles on the Batch account.
    pub roles: Vec<Role>,
}

/// How a principal proves who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// An application with this client secret.
    Secret(String),
    /// An application with a client secret that has expired.
    ExpiredSecret(String),
    /// An application with this certificate of an RSA key, as PEM.
    Certificate(String),
    /// An application that trusts the emulator's cluster for this subject.
    Federated(String),
    /// The system-assigned identity of the machine.
    SystemAssigned,
    /// An identity that is assigned to the machine, with its resource id if it has one.
    UserAssigned(Option<String>),
}

/// A built-in role of Azure Batch, assigned on the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Everything
    AzureBatchAccountContributor,
    /// Reads everything
    AzureBatchAccountReader,
    /// Pools, jobs and job schedules
    AzureBatchDataContributor,
    /// Jobs and job schedules, and reads pools
    AzureBatchJobSubmitter,
}

/// A way to authenticate that an account can allow (`allowedAuthenticationModes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthenticationMode {
    /// The account's key
    #[value(name = "SharedKey")]
    SharedKey,
    /// Microsoft Entra ID
    #[value(name = "AAD")]
    Aad,
    /// The tokens of tasks
    #[value(name = "TaskAuthenticationToken")]
    TaskAuthenticationToken,
}

impl EntraSettings {
    /// The default life of tokens; Entra's is 60 to 90 minutes.
    pub const TOKEN_LIFE: Duration = Duration::from_secs(3600);

    /// Returns a tenant without principals, whose issuer listens on any free loopback port.
    pub fn new(tenant: Uuid) -> EntraSettings {
        EntraSettings {
            tenant,
            other_tenants: Vec::new(),
            principals: Vec::new(),
            token_life: Self::TOKEN_LIFE,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            identity_header: None,
            arc_keys: None,
        }
    }
}

impl Principal {
    /// Returns the id of the principal's object in the tenant, which follows from its client id.
    pub fn object_id(&self) -> Uuid {
        let digest = Sha256::digest(self.client_id.as_bytes());
        Uuid::from_slice(&digest[..16]).unwrap_or_default()
    }
}

impl AuthenticationMode {
    /// All modes, which is what a new account allows.
    pub const ALL: [AuthenticationMode; 3] =
        [Self::SharedKey, Self::Aad, Self::TaskAuthenticationToken];

    /// Returns its name in the specification.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SharedKey => "SharedKey",
            Self::Aad => "AAD",
            Self::TaskAuthenticationToken => "TaskAuthenticationToken",
        }
    }
}

impl fmt::Debug for EntraSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EntraSettings")
            .field("tenant", &self.tenant)
            .field("other_tenants", &self.other_tenants)
            .field("principals", &self.principals)
            .field("token_life", &self.token_life)
            .field("listen", &self.listen)
            .field("identity_header", &self.identity_header.as_ref().map(|_| "<redacted>"))
            .field("arc_keys", &self.arc_keys)
            .finish()
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proof::Secret(_) => formatter.write_str("Secret(<redacted>)"),
            Proof::ExpiredSecret(_) => formatter.write_str("ExpiredSecret(<redacted>)"),
            Proof::Certificate(_) => formatter.write_str("Certificate"),
            Proof::Federated(subject) => write!(formatter, "Federated({subject:?})"),
            Proof::SystemAssigned => formatter.write_str("SystemAssigned"),
            Proof::UserAssigned(id) => write!(formatter, "UserAssigned({id:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let mut settings = EntraSettings::new(Uuid::nil());
        settings.identity_header = Some("s3cret-header".into());
        let proofs =
            vec![Proof::Secret("s3cret-1".into()), Proof::ExpiredSecret("s3cret-2".into())];
        settings.principals = vec![Principal { client_id: Uuid::nil(), proofs, roles: Vec::new() }];
        let shown = format!("{settings:?}");
        assert!(!shown.contains("s3cret") && shown.contains("<redacted>"), "{shown}");
    }
}
