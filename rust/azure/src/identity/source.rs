//! What an identity proves itself with, and one request for a token.

use super::{
    Certificate, check_client, check_tenant, cloud::Authority, machine, transport::Transport,
};
use crate::{Error, Result, blocking, secret::Secret};
use async_trait::async_trait;
use azure_core_1::{
    credentials::{AccessToken, Secret as TheirSecret},
    http::ClientMethodOptions,
};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions,
};
use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A longer one is no token.
const LONGEST_ASSERTION: u64 = 64 * 1024;

/// An application, as its tenant knows it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Principal {
    pub(super) tenant: String,
    pub(super) client: String,
}

impl Principal {
    pub(super) fn new(tenant: &str, client: &str) -> Result<Self> {
        check_tenant(tenant)?;
        check_client(client)?;
        Ok(Self { tenant: tenant.to_owned(), client: client.to_owned() })
    }
}

/// What an identity proves itself with.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Source {
    Secret(Principal, Secret),
    Certificate(Principal, Certificate),
    /// A token of another issuer, in a file that is written anew before it expires.
    Federated(Principal, PathBuf),
    /// The machine's own.
    Machine(machine::Managed),
}

impl Source {
    /// Asks for a token once. The credential is made for it: then it keeps no token of its own, and a file is read as it is
    /// now.
    pub(super) async fn fetch(
        &self,
        http: &reqwest::Client,
        authority: &Authority,
        scope: &str,
    ) -> Result<AccessToken> {
        let transport = Transport::new(http.clone(), None);
        let client_options = transport.options(authority);
        let (principal, assertion) = match self {
            Self::Machine(managed) => return managed.fetch(scope).await,
            Self::Secret(Principal { tenant, client }, secret) => {
                let options = ClientSecretCredentialOptions { client_options };
                let secret = TheirSecret::new(secret.expose().to_owned());
                let client = client.clone();
                let made = ClientSecretCredential::new(tenant, client, secret, Some(options));
                return transport.ask(made, scope).await;
            }
            Self::Certificate(principal, certificate) => {
                let url = authority.token_url(&principal.tenant);
                (principal, certificate.assertion(&principal.client, &url)?)
            }
            Self::Federated(principal, file) => (principal, read_assertion(file.clone()).await?),
        };
        let Principal { tenant, client } = principal.clone();
        let options = ClientAssertionCredentialOptions { client_options };
        let assertion = Assertion(Secret::new(&assertion));
        let made = ClientAssertionCredential::new(tenant, client, assertion, Some(options));
        transport.ask(made, scope).await
    }

    /// Who is asked, for errors.
    pub(super) fn place(&self, authority: &Authority) -> String {
        match self {
            Self::Machine(managed) => managed.place(),
            _ => authority.to_string(),
        }
    }
}

/// Who it is, for errors.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(Principal { client, .. }, _) => {
                write!(f, "service principal {client} with its secret")
            }
            Self::Certificate(Principal { client, .. }, _) => {
                write!(f, "service principal {client} with its certificate")
            }
            Self::Federated(Principal { client, .. }, file) => {
                write!(f, "workload identity {client} with {}", file.display())
            }
            Self::Machine(managed) => managed.fmt(f),
        }
    }
}

async fn read_assertion(file: PathBuf) -> Result<String> {
    let shown = file.display().to_string();
    let cannot = |reason: String| {
        Error::local(format!("the federated token in {shown} cannot be read: {reason}"))
    };
    let read = blocking::begin(move || read_at_most(&file)).await.await;
    let text = read.map_err(|error| cannot(error.to_string()))?;
    let text = text.map_err(|error| cannot(error.to_string()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::local(format!("the federated token in {shown} is empty")));
    }
    Ok(text.to_owned())
}

fn read_at_most(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(LONGEST_ASSERTION).read_to_string(&mut text)?;
    Ok(text)
}

/// A signed statement that is made already.
#[derive(Debug)]
struct Assertion(Secret);

#[async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core_1::Result<String> {
        Ok(self.0.expose().to_owned())
    }
}
