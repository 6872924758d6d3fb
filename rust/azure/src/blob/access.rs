//! What gives us access to an account's blobs, and how a request of ours shows it.

use super::{
    BlobContainer,
    grants::Grants,
    sas::{Sas, SasPermissions},
    transport::{from_azure, into_azure},
};
use crate::{Error, Result, SharedKey, identity::Tokens};
use async_trait::async_trait;
use azure_core::auth::{AccessToken, Secret, TokenCredential};
use azure_storage::StorageCredentials;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::{sync::Arc, time::Duration};
use time::OffsetDateTime;
use tokio::time::Instant;
use url::Url;

/// The life of a signature that we use ourselves, at once: it only has to cover a clock that is off.
const OWN_REQUEST: Duration = Duration::from_secs(15 * 60);

/// What shows a token has to name a version that is late enough.
///
/// [Versions](https://learn.microsoft.com/rest/api/storageservices/versioning-for-the-azure-storage-services)
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");
const API_VERSION: HeaderValue = HeaderValue::from_static("2022-11-02");

/// What gives us access. `Debug` hides it.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    Key(SharedKey),
    Sas(Sas),
    Tokens(Tokens),
}

/// Where a request of ours goes, and what it shows.
pub(crate) struct Own {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
}

impl Access {
    /// For the storage crate.
    pub(super) fn credentials(&self, account: &str) -> Result<StorageCredentials> {
        match self {
            Self::Key(key) => {
                Ok(StorageCredentials::access_key(account.to_owned(), key.expose_base64()))
            }
            Self::Sas(sas) => StorageCredentials::sas_token(sas.expose()).map_err(from_azure),
            Self::Tokens(tokens) => {
                Ok(StorageCredentials::token_credential(Arc::new(Adapter(tokens.clone()))))
            }
        }
    }

    pub(super) async fn sign_in(&self) -> Result<()> {
        match self.tokens() {
            Some(tokens) => tokens.sign_in().await,
            None => Ok(()),
        }
    }

    /// Of a request that begins now.
    pub(super) fn mark(&self) -> Option<Instant> {
        self.tokens().and_then(Tokens::mark)
    }

    /// Whether a request that was begun at this mark, and failed, is worth another attempt: with another token.
    pub(super) fn is_refused(&self, mark: Option<Instant>, error: &Error) -> bool {
        self.tokens().is_some_and(|tokens| tokens.is_refused(mark, error))
    }

    fn tokens(&self) -> Option<&Tokens> {
        match self {
            Self::Tokens(tokens) => Some(tokens),
            _ => None,
        }
    }
}

impl BlobContainer {
    /// A request for a blob, or for the container, that needs these rights.
    pub(crate) async fn own(&self, blob: Option<&str>, rights: SasPermissions) -> Result<Own> {
        let mut own = Own { url: self.plain_url(blob)?, headers: HeaderMap::new() };
        match &self.account().access {
            Access::Key(key) => {
                own.url = Grants::by_key(self, key, OWN_REQUEST)?.url(blob, rights)?;
            }
            Access::Sas(sas) => own.url.set_query(Some(sas.expose())),
            Access::Tokens(tokens) => own.headers = show(tokens).await?,
        }
        Ok(own)
    }
}

/// The headers of a request that shows a token.
pub(super) async fn show(tokens: &Tokens) -> Result<HeaderMap> {
    let bearer = tokens.get().await?.bearer().clone();
    Ok([(AUTHORIZATION, bearer), (VERSION, API_VERSION)].into_iter().collect())
}

/// Our tokens for the storage crate.
#[derive(Debug)]
struct Adapter(Tokens);

#[async_trait]
impl TokenCredential for Adapter {
    async fn get_token(&self, _: &[&str]) -> azure_core::Result<AccessToken> {
        let token = self.0.get().await.map_err(into_azure)?;
        // It asks for each request, and keeps none.
        Ok(AccessToken::new(Secret::new(token.expose().to_owned()), OffsetDateTime::now_utc()))
    }

    async fn clear_cache(&self) -> azure_core::Result<()> {
        Ok(())
    }
}
