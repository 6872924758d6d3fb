//! The container that files are staged in, as a flow names it: who gives us access to it, and who gives it to the nodes.

use std::time::{Duration, SystemTime};

use azure::batch::IdentityReference;
use azure::blob::{BlobContainer, LONGEST_DELEGATION, StorageAccount};
use time::OffsetDateTime;

use crate::limits::Limit;
use crate::plan::{Way, given, required_text, shared_key};
use crate::sign_in;
use crate::submit::access_time;
use crate::{BlobStorage, Invalid, Request};

/// Where files are staged.
pub(crate) struct Files {
    pub(crate) container: BlobContainer,
    /// An identity of the pool, which nodes show instead of a signature.
    pub(crate) node_identity: Option<IdentityReference>,
}

pub(crate) const ENDPOINT: &str = "blobStorage.endpoint";
const CONNECTION_STRING: &str = "blobStorage.connectionString";
const NAME: &str = "blobStorage.sharedKeyAccountName";
const KEY: &str = "blobStorage.sharedKeyAccountAccessKey";
const SAS: &str = "blobStorage.sasToken";

/// The service's clock may be behind this machine's.
const CLOCK_MARGIN: Duration = Duration::from_secs(15 * 60);

impl Files {
    pub(crate) fn new(
        request: &Request,
        storage: &BlobStorage,
        limit: Limit,
        way: Way<'_>,
    ) -> Result<Self, Invalid> {
        let name = required_text("blobStorage.containerName", storage.container_name.as_deref())?;
        let account = storage_account(request, storage, way)?;
        let node_identity = node_identity(storage)?;
        check_time(&account, limit)
            .map_err(|reason| Invalid::new(sas_property(storage), reason))?;
        if account.identity().is_some() && node_identity.is_none() {
            check_delegation_time(limit)?;
        }
        let container = BlobContainer::new(account, &name, way.network.http.clone(), way.retry)
            .map_err(|error| Invalid::new("blobStorage.containerName", error))?;
        Ok(Self { container, node_identity })
    }

    /// Makes sure that there will be something to give to the nodes for a run's directory, and that nobody has to wait for
    /// it later.
    pub(crate) async fn check_grants(&self, limit: Limit, directory: &str) -> azure::Result<()> {
        if self.node_identity.is_some() {
            return Ok(());
        }
        self.container.grants(access_time(limit)).await?.below(directory).await.map(drop)
    }
}

fn node_identity(storage: &BlobStorage) -> Result<Option<IdentityReference>, Invalid> {
    let Some(identity) = &storage.identity_reference else { return Ok(None) };
    let property = "blobStorage.identityReference.resourceId";
    let resource_id = required_text(property, identity.resource_id.as_deref())?;
    Ok(Some(IdentityReference { resource_id }))
}

/// By connection string, or by endpoint and an account key, a SAS, or an identity.
fn storage_account(
    request: &Request,
    storage: &BlobStorage,
    way: Way<'_>,
) -> Result<StorageAccount, Invalid> {
    let [endpoint, name, key, sas] = [
        (ENDPOINT, &storage.endpoint),
        (NAME, &storage.shared_key_account_name),
        (KEY, &storage.shared_key_account_access_key),
        (SAS, &storage.sas_token),
    ]
    .map(|(property, value)| (property, given(value.as_deref())));
    let others = [endpoint, name, key, sas];
    let other = others.iter().find(|(_, value)| value.is_some());
    match (given(storage.connection_string.as_deref()), other) {
        (Some(text), None) => StorageAccount::from_connection_string(text)
            .map_err(|error| Invalid::new(CONNECTION_STRING, error)),
        (Some(_), Some((other, _))) => Err(both(CONNECTION_STRING, other)),
        (None, None) => Err(Invalid::new(
            CONNECTION_STRING,
            "it is missing; set it, or endpoint: with sharedKeyAccountName and sharedKeyAccountAccessKey, \
             with sasToken, or alone, for an identity of Entra ID",
        )),
        (None, Some(_)) => {
            let endpoint = required_text(ENDPOINT, endpoint.1)?;
            let of_endpoint = |error| Invalid::new(ENDPOINT, error);
            match (name.1, key.1, sas.1) {
                (_, Some(_), Some(_)) => Err(both(SAS, KEY)),
                (_, None, Some(sas)) => StorageAccount::with_sas(&endpoint, sas)
                    .map_err(|error| Invalid::new(SAS, error)),
                (None, None, None) => {
                    let tokens = sign_in::storage_tokens(request, &endpoint, way)?;
                    StorageAccount::with_identity(&endpoint, tokens).map_err(of_endpoint)
                }
                (name, key, None) => {
                    let (name, key) = (required_text(NAME, name)?, required_text(KEY, key)?);
                    let key = shared_key((NAME, &name), (KEY, &key))?;
                    StorageAccount::new(&endpoint, key).map_err(of_endpoint)
                }
            }
        }
    }
}

fn both(property: &'static str, other: &str) -> Invalid {
    Invalid::new(property, format!("it is set together with {other}; keep one of the two forms"))
}

/// Whether an identity of Entra ID signs in to it.
pub(crate) fn needs_identity(storage: &BlobStorage) -> bool {
    let others = [
        &storage.connection_string,
        &storage.shared_key_account_name,
        &storage.shared_key_account_access_key,
        &storage.sas_token,
    ];
    others.iter().all(|value| given(value.as_deref()).is_none())
}

/// A SAS may end before the run does. That is said now, and not when the task uploads what it made.
fn check_time(account: &StorageAccount, Limit { property, time }: Limit) -> Result<(), String> {
    let is_too_short = |moment: OffsetDateTime| SystemTime::from(moment) < SystemTime::now() + time;
    if account.expires().is_some_and(is_too_short) {
        return Err(format!(
            "the SAS expires before the run's limit ({property}) is reached; make one that lives longer, or lower the limit"
        ));
    }
    Ok(())
}

/// Where the SAS is that a flow names.
fn sas_property(storage: &BlobStorage) -> &'static str {
    if given(storage.sas_token.as_deref()).is_some() { SAS } else { CONNECTION_STRING }
}

/// The signatures that an identity makes for the nodes have to outlive the run.
fn check_delegation_time(limit: Limit) -> Result<(), Invalid> {
    let Limit { property, time } = limit;
    let margin = access_time(limit) - time + CLOCK_MARGIN;
    if time + margin <= LONGEST_DELEGATION {
        return Ok(());
    }
    let hours = (LONGEST_DELEGATION - margin).as_secs() / 3600;
    let reason = format!(
        "it must be at most {hours} hours where an identity signs in to the storage account: its signatures for the \
         nodes live 7 days at most; with blobStorage.identityReference nodes need none"
    );
    Err(Invalid::new(property, reason))
}
