//! Which identity this process has, where nothing is configured: by its environment's variables, by a file of its pod, or by
//! its machine. The names are those of Microsoft's libraries.
//!
//! [Environment variables](https://learn.microsoft.com/azure/developer/rust/sdk/authentication/credential-chains)

use super::{
    Certificate,
    machine::Managed,
    source::{Principal, Source},
};
use crate::{Error, Result, secret::Secret};
use std::fs;

const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";
const SECRET: &str = "AZURE_CLIENT_SECRET";
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const FEDERATED: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// The first that is set up. What was passed over, and why, is kept for the case that the last one fails.
pub(super) fn find(
    tenant: Option<&str>,
    client: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Source> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let tenant = tenant.map(str::to_owned).or_else(|| set(TENANT));
    let client = client.map(str::to_owned).or_else(|| set(CLIENT));
    let mut passed_over = Vec::new();
    for name in [SECRET, CERTIFICATE, FEDERATED] {
        match (set(name), &tenant, &client) {
            (None, ..) => passed_over.push(format!("{name} is not set")),
            (Some(value), Some(tenant), Some(client)) => {
                let principal = Principal::new(tenant, client);
                return source(name, &value, principal.map_err(|error| of_variables(&error))?);
            }
            (Some(_), None, _) => passed_over.push(lacks(name, "tenantId", TENANT)),
            (Some(_), _, None) => passed_over.push(lacks(name, "clientId", CLIENT)),
        }
    }
    if let Some(client) = &client {
        super::check_client(client).map_err(|error| of_variables(&error))?;
    }
    Ok(Source::Machine(Managed::new(client, passed_over, variable)?))
}

fn source(name: &str, value: &str, principal: Principal) -> Result<Source> {
    match name {
        SECRET => Ok(Source::Secret(principal, Secret::new(value.trim()))),
        FEDERATED => Ok(Source::Federated(principal, value.into())),
        _ => {
            let wrong = |reason: String| Error::configuration(format!("{CERTIFICATE} {reason}"));
            let pem = fs::read_to_string(value)
                .map_err(|error| wrong(format!("leads to a file that cannot be read: {error}")))?;
            let certificate = Certificate::from_pem(&pem).map_err(|e| wrong(e.to_string()))?;
            Ok(Source::Certificate(principal, certificate))
        }
    }
}

fn of_variables(error: &Error) -> Error {
    Error::configuration(format!("{TENANT} or {CLIENT}: {error}"))
}

fn lacks(name: &str, property: &str, variable: &str) -> String {
    format!("{name} is set, but neither {property} nor {variable}")
}
