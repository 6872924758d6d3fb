//! The identity that a machine has: a virtual machine, a container of App Service or Container Apps, or a server that Azure
//! Arc manages.
//!
//! [Managed identities](https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token)

use super::{arc::Agent, transport::Transport};
use crate::{Error, Result};
use azure_core_1::credentials::AccessToken;
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use std::{fmt, time::Duration};
use url::Url;

/// Where a virtual machine asks. A variable may name another address, as in Microsoft's libraries.
pub(super) const IMDS: &str = "http://169.254.169.254";
const IMDS_VARIABLE: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";

/// Set where it is asked elsewhere: by a container of App Service with a header, by Azure Arc's agent with another variable.
const OTHER_ENDPOINT: &str = "IDENTITY_ENDPOINT";
const HEADER: &str = "IDENTITY_HEADER";
const AGENT: &str = "IMDS_ENDPOINT";

/// Where nothing answers by then, this is no virtual machine of Azure.
const PROBE: Duration = Duration::from_secs(2);

/// A managed identity.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Managed {
    /// The client id of a user-assigned one.
    client: Option<String>,
    machine: Machine,
    /// What else could have been configured, and why it is not.
    passed_over: Vec<String>,
}

/// What sort of machine this is.
#[derive(PartialEq, Eq, Hash)]
enum Machine {
    Virtual(Url),
    /// azure_identity reads the variables itself.
    Container,
    Arc(Agent),
}

impl Managed {
    pub(super) fn new(
        client: Option<String>,
        passed_over: Vec<String>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let url = |name: &str, text: String| {
            Url::parse(text.trim())
                .map_err(|error| Error::configuration(format!("{name} is no URL: {error}")))
        };
        let machine = match variable(OTHER_ENDPOINT) {
            Some(text) if variable(HEADER).is_none() && variable(AGENT).is_some() => {
                if client.is_some() {
                    return Err(Error::configuration(
                        "Azure Arc has no user-assigned identities; leave clientId, and AZURE_CLIENT_ID, out",
                    ));
                }
                Machine::Arc(Agent::new(url(OTHER_ENDPOINT, text)?, variable))
            }
            Some(_) => Machine::Container,
            None => {
                let address = variable(IMDS_VARIABLE).unwrap_or_else(|| IMDS.to_owned());
                Machine::Virtual(url(IMDS_VARIABLE, address)?)
            }
        };
        Ok(Self { client, machine, passed_over })
    }

    /// Who is asked.
    pub(super) fn place(&self) -> String {
        match &self.machine {
            Machine::Virtual(imds) => imds.to_string(),
            Machine::Container => OTHER_ENDPOINT.to_owned(),
            Machine::Arc(agent) => agent.endpoint.to_string(),
        }
    }

    /// Asks for a token once. The addresses are local to the machine, so no proxy knows them, and none uses TLS.
    pub(super) async fn fetch(&self, scope: &str) -> Result<AccessToken> {
        let http = reqwest::Client::builder().no_proxy().tls_built_in_root_certs(false).build();
        let http = http.map_err(Error::from_http)?;
        match &self.machine {
            Machine::Arc(agent) => agent.token(&Transport::new(http, None), scope).await,
            Machine::Container => self.ask(&Transport::new(http, None), scope).await,
            Machine::Virtual(imds) => {
                let transport = Transport::new(http, Some(imds.clone()));
                self.probe(imds, &transport).await?;
                self.ask(&transport, scope).await
            }
        }
    }

    async fn ask(&self, transport: &Transport, scope: &str) -> Result<AccessToken> {
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.client.clone().map(UserAssignedId::ClientId),
            client_options: transport.local_options(),
        };
        transport.ask(ManagedIdentityCredential::new(Some(options)), scope).await
    }

    /// Elsewhere than in Azure nothing answers at this address, and a connection would be tried for minutes.
    async fn probe(&self, imds: &Url, transport: &Transport) -> Result<()> {
        let mut url = imds.clone();
        url.set_path(TOKEN_PATH);
        let Err(error) = transport.reach(url, PROBE).await else { return Ok(()) };
        let passed_over = self.passed_over.join(", ");
        Err(Error::unreachable(format!(
            "nothing is configured to sign in with: {passed_over}, and this machine has no managed identity \
             (nothing answers at {imds}: {error})"
        ))
        .for_good())
    }
}

impl fmt::Display for Managed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.client {
            Some(client) => write!(f, "managed identity {client}"),
            None => f.write_str("managed identity of this machine"),
        }
    }
}
