//! How a flow signs in: to Batch with the account's key, to both services as an identity of Entra ID.

use azure::batch::Credential;
use azure::identity::{Certificate, Identity, Service, Tokens, check_client, check_tenant};
use azure::{Error, ErrorKind, SharedKey, check_account_name};

use crate::error::RunError;
use crate::plan::{Way, given};
use crate::{Invalid, Request, storage};

/// What is needed beside a secret or a certificate.
const PRINCIPAL: &str =
    "a service principal needs tenantId, clientId, and clientSecret or pemCertificate";

/// What authorizes requests to Batch.
pub(crate) fn batch_credential(
    request: &Request,
    account: &str,
    endpoint: &str,
    way: Way<'_>,
) -> Result<Credential, Invalid> {
    check_account_name(account).map_err(|error| Invalid::new("account", error))?;
    let Some(key) = given(request.access_key.as_deref()) else {
        let tokens = tokens(request, (Service::Batch, endpoint), way)?;
        return Ok(Credential::Tokens(tokens));
    };
    let unused = properties(request).into_iter().find(|(_, value)| value.is_some());
    let has_use = request.blob_storage.as_ref().is_some_and(storage::needs_identity);
    if let Some((property, _)) = unused.filter(|_| !has_use) {
        let reason = format!(
            "it is set together with {property}; keep one of the two: the account's key, or an identity of Entra ID"
        );
        return Err(Invalid::new("accessKey", reason));
    }
    let key = SharedKey::new(account, key).map_err(|error| Invalid::new("accessKey", error))?;
    Ok(Credential::SharedKey(key))
}

/// What authorizes requests to a storage account of which there is no key.
pub(crate) fn storage_tokens(
    request: &Request,
    endpoint: &str,
    way: Way<'_>,
) -> Result<Tokens, Invalid> {
    tokens(request, (Service::Storage, endpoint), way)
}

fn tokens(
    request: &Request,
    service: (Service, &str),
    Way { network, retry }: Way<'_>,
) -> Result<Tokens, Invalid> {
    let property = if service.0 == Service::Batch { "endpoint" } else { storage::ENDPOINT };
    service.0.check_host(service.1).map_err(|error| Invalid::new(property, error))?;
    let identity = identity(request, |name| network.variable(name))?;
    // What is to blame is a variable, and named.
    network.tokens(identity, service, retry).map_err(|error| Invalid::new("accessKey", error))
}

/// A property's name and what it says.
type Property<'a> = (&'static str, Option<&'a str>);

fn properties(request: &Request) -> [Property<'_>; 4] {
    [
        ("tenantId", given(request.tenant_id.as_deref())),
        ("clientId", given(request.client_id.as_deref())),
        ("clientSecret", given(request.client_secret.as_deref())),
        ("pemCertificate", given(request.pem_certificate.as_deref())),
    ]
}

fn identity(
    request: &Request,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Identity, Invalid> {
    let [tenant, client, secret, certificate] = properties(request);
    check(tenant, check_tenant)?;
    check(client, check_client)?;
    match (secret.1, certificate.1) {
        (Some(_), Some(_)) => Err(Invalid::new(
            "pemCertificate",
            "it is set together with clientSecret; keep one of the two",
        )),
        (Some(secret), None) => Identity::with_secret(needed(tenant)?, needed(client)?, secret)
            .map_err(|error| Invalid::new("clientSecret", error)),
        (None, Some(pem)) => {
            let (tenant, client) = (needed(tenant)?, needed(client)?);
            Certificate::from_pem(pem)
                .and_then(|certificate| Identity::with_certificate(tenant, client, certificate))
                .map_err(|error| Invalid::new("pemCertificate", error))
        }
        // What is to blame is a variable, and named.
        (None, None) => Identity::of_environment(tenant.1, client.1, variable)
            .map_err(|error| Invalid::new("accessKey", format!("it is not set, and {error}"))),
    }
}

/// One that a secret or a certificate needs.
fn needed<'a>((property, value): Property<'a>) -> Result<&'a str, Invalid> {
    value.ok_or_else(|| Invalid::new(property, format!("it is missing; {PRINCIPAL}")))
}

fn check(
    (property, value): Property<'_>,
    check: impl Fn(&str) -> azure::Result<()>,
) -> Result<(), Invalid> {
    value.map_or(Ok(()), check).map_err(|error| Invalid::new(property, error))
}

/// What Entra ID, or the machine, says of an identity; the property that is to blame, and what to change.
///
/// [Error codes](https://learn.microsoft.com/entra/identity-platform/reference-error-codes)
const SAID: [(&[&str], &str, &str); 8] = [
    (
        &["AADSTS90002", "AADSTS900023"],
        "tenantId",
        "there is no such tenant: take the directory (tenant) ID of the app registration",
    ),
    (
        &["AADSTS700016", "AADSTS7000112", "AADSTS700025"],
        "clientId",
        "the tenant does not know it, or has it disabled: take the application (client) ID of an app registration in this tenant",
    ),
    (
        &["AADSTS7000215"],
        "clientSecret",
        "it is not one of this app registration: copy the value of the secret, not its ID",
    ),
    (
        &["AADSTS7000222"],
        "clientSecret",
        "it has expired: create a new one in the app registration",
    ),
    (
        &["AADSTS700027", "AADSTS7000214"],
        "pemCertificate",
        "it is not one of this app registration, or has expired: upload its public part under Certificates & secrets",
    ),
    (
        &[
            "AADSTS70021",
            "AADSTS700211",
            "AADSTS700212",
            "AADSTS700213",
            "AADSTS700223",
            "AADSTS700024",
        ],
        "clientId",
        "no federated credential of it fits the token in AZURE_FEDERATED_TOKEN_FILE, or that token has expired: compare issuer, \
         subject and audience, and this machine's clock",
    ),
    (
        &["AADSTS500011", "AADSTS500014"],
        "tenantId",
        "this tenant does not know the service: take the one of the account's subscription",
    ),
    (
        &["invalid_request", "identity_not_found"],
        "clientId",
        "this machine does not have that managed identity: assign it, or take the client ID of one that is assigned",
    ),
];

/// Why nobody could sign in, and why somebody had to.
pub(crate) fn blame(error: &Error, cause: &str) -> RunError {
    let code = error.code().unwrap_or_default();
    let known = SAID.iter().find(|(codes, ..)| codes.contains(&code));
    match (known, error.kind()) {
        (Some((_, property, meaning)), _) => {
            RunError::Invalid(Invalid::new(property, format!("{meaning} ({error})")))
        }
        (None, ErrorKind::Service) if matches!(error.status(), Some(400..=403)) => {
            RunError::Invalid(Invalid::new("clientId", error))
        }
        _ => RunError::Failed(format!("{cause}, and {error}")),
    }
}

/// What it means that a Batch account refuses an identity that has signed in.
pub(crate) fn refused_by_batch(error: &Error, identity: &Identity, account: &str) -> Invalid {
    refused(error, identity, &format!("Batch account '{account}'"), "'Azure Batch Job Submitter'")
}

/// The same of a storage account.
pub(crate) fn refused_by_storage(error: &Error, identity: &Identity, account: &str) -> Invalid {
    let roles = "'Storage Blob Data Contributor' on it or on the container and, unless \
                 blobStorage.identityReference is set, 'Storage Blob Delegator'";
    refused(error, identity, &format!("storage account '{account}'"), roles)
}

/// [Roles of Batch](https://learn.microsoft.com/azure/batch/batch-role-based-access-control),
/// [of Blob Storage](https://learn.microsoft.com/azure/storage/blobs/assign-azure-role-data-access)
fn refused(error: &Error, identity: &Identity, account: &str, roles: &str) -> Invalid {
    let is_unknown = error.status() == Some(401) || error.code() == Some("AuthenticationFailed");
    let meaning = if is_unknown {
        "does not accept its token: the identity has to be of the tenant of the account's subscription; \
         check tenantId, the endpoint and this machine's clock"
            .to_owned()
    } else {
        format!(
            "does not allow this to it: under Access control (IAM) give it the role {roles}; \
             a new assignment takes some minutes"
        )
    };
    Invalid::new(
        "clientId",
        format!("the {identity:?} signed in, and the {account} {meaning} ({error})"),
    )
}
