//! The identity that a machine has: a virtual machine, or a container of App Service or Container Apps.
//!
//! [Managed identities](https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token)

use super::transport::Transport;
use crate::{Error, Result};
use azure_core_1::credentials::TokenCredential;
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use std::{fmt, sync::Arc, time::Duration};
use url::Url;

/// Where a virtual machine asks. A variable may name another address, as in Microsoft's libraries.
pub(super) const IMDS: &str = "http://169.254.169.254";
const IMDS_VARIABLE: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";

/// Set where it is asked elsewhere.
const OTHER_ENDPOINT: &str = "IDENTITY_ENDPOINT";

/// Where nothing answers by then, this is no virtual machine of Azure.
const PROBE: Duration = Duration::from_secs(2);

/// A managed identity.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Managed {
    /// The client id of a user-assigned one.
    client: Option<String>,
    /// None: not a virtual machine's.
    imds: Option<Url>,
    /// What else could have been configured, and why it is not.
    passed_over: Vec<String>,
}

impl Managed {
    pub(super) fn new(
        client: Option<String>,
        passed_over: Vec<String>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let address = variable(IMDS_VARIABLE).unwrap_or_else(|| IMDS.to_owned());
        let imds = Url::parse(address.trim())
            .map_err(|error| Error::configuration(format!("{IMDS_VARIABLE} is no URL: {error}")))?;
        let imds = variable(OTHER_ENDPOINT).is_none().then_some(imds);
        Ok(Self { client, imds, passed_over })
    }

    /// Who is asked.
    pub(super) fn place(&self) -> String {
        self.imds.as_ref().map_or_else(|| OTHER_ENDPOINT.to_owned(), Url::to_string)
    }

    /// Its addresses are local to the machine, so no proxy knows them, and none uses TLS.
    pub(super) fn transport(&self) -> Result<Transport> {
        let http = reqwest::Client::builder().no_proxy().tls_built_in_root_certs(false).build();
        Ok(Transport::new(http.map_err(Error::from_http)?, self.imds.clone()))
    }

    pub(super) async fn credential(
        &self,
        transport: &Transport,
    ) -> Result<Arc<dyn TokenCredential>> {
        if let Some(imds) = &self.imds {
            self.probe(imds, transport).await?;
        }
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.client.clone().map(UserAssignedId::ClientId),
            client_options: transport.local_options(),
        };
        let made = ManagedIdentityCredential::new(Some(options));
        made.map(|made| made as _).map_err(|error| transport.explain(&error))
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
