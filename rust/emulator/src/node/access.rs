//! A node's access to storage accounts: with the SAS in a URL, with a token of one of the pool's
//! identities, or with a SAS that the node creates.
//!
//! The node can create a SAS for the storage account that is linked to the Batch account. An
//! identity that is no principal of the tenant has no tokens, and gives access only to that account.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::blob::{BlobError, Location};
use crate::entra::Directory;
use crate::entra::managed::Selector;
use crate::settings::LinkedStorage;
use crate::wire::common::IdentityReference;
use crate::wire::time::sas_time;

/// The service for which nodes get tokens.
const STORAGE: &str = "https://storage.azure.com/";

/// The Blob service version of the SAS.
const VERSION: &str = "2021-12-02";
/// The lifetime of a SAS; each transfer creates a new one.
const LIFE: Duration = Duration::hours(24);
/// The permissions of a SAS, in the order that the service requires.
const PERMISSIONS: &str = "rcwl";

/// The storage access of a pool's nodes.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) linked: Option<&'a LinkedStorage>,
    pub(super) directory: Option<&'a Directory>,
    /// The resource ids of the pool's identities.
    pub(super) identities: &'a [String],
}

impl Access<'_> {
    /// Returns how to reach a URL: unchanged, or as an identity if one is given.
    ///
    /// # Errors
    /// `Denied` if the pool does not have the identity or the identity has no access to the
    /// account, `Other` for an invalid URL.
    pub(super) fn location(
        &self,
        text: &str,
        identity: Option<&IdentityReference>,
    ) -> Result<Location, BlobError> {
        let url = Url::parse(text)
            .map_err(|error| BlobError::Other(format!("the URL is not valid: {error}")))?;
        let Some(identity) = identity else { return Ok(url.into()) };
        let id = identity.resource_id.as_deref().unwrap_or("");
        if !self.identities.iter().any(|own| own.eq_ignore_ascii_case(id)) {
            return Err(BlobError::Denied(format!("the pool has no identity {id}")));
        }
        if let Some(token) = self.token(id) {
            return Ok(Location { url, token: Some(token) });
        }
        let signed =
            self.linked.and_then(|linked| Some(linked.signed(&linked.container(&url)?, url)));
        signed.map(Location::from).ok_or_else(|| {
            BlobError::Denied(
                "an identity reaches only the storage account of --auto-storage here".to_owned(),
            )
        })
    }

    /// Returns a token of an identity for storage accounts, if it is a principal of the tenant.
    fn token(&self, resource_id: &str) -> Option<String> {
        let selector = Selector::ResourceId(resource_id);
        let issued =
            self.directory?.managed_token(selector, STORAGE, OffsetDateTime::now_utc()).ok()?;
        Some(issued.text)
    }

    /// Returns a container of the linked storage account.
    ///
    /// # Errors
    /// `NotFound` if no account is linked.
    pub(super) fn auto_storage(&self, container: &str) -> Result<Location, BlobError> {
        let linked = self.linked.ok_or_else(|| {
            BlobError::NotFound("no storage account is linked to the Batch account".to_owned())
        })?;
        let mut url = linked.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(container);
        }
        Ok(linked.signed(container, url).into())
    }
}

impl LinkedStorage {
    /// Returns the container of a URL of this account; `None` for other URLs.
    fn container(&self, url: &Url) -> Option<String> {
        let path = url.path().strip_prefix(self.endpoint.path().trim_end_matches('/'))?;
        let name = path.strip_prefix('/')?.split('/').next().filter(|name| !name.is_empty())?;
        (url.origin() == self.endpoint.origin()).then(|| name.to_owned())
    }

    /// Returns a URL with a SAS for its container.
    ///
    /// [Create a service
    /// SAS](https://learn.microsoft.com/rest/api/storageservices/create-service-sas)
    fn signed(&self, container: &str, mut url: Url) -> Url {
        let expiry = sas_time(OffsetDateTime::now_utc() + LIFE);
        let resource = format!("/blob/{}/{container}", self.account);
        let lines = [
            PERMISSIONS,
            "",
            &expiry,
            &resource,
            "",
            "",
            "",
            VERSION,
            "c",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
        ];
        let signature = sign(&self.key, &lines.join("\n"));
        let sas = [
            ("sp", PERMISSIONS),
            ("se", &expiry),
            ("sv", VERSION),
            ("sr", "c"),
            ("sig", &signature),
        ];
        url.query_pairs_mut().extend_pairs(sas);
        url
    }
}

fn sign(key: &[u8], text: &str) -> String {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::settings::{EntraSettings, Principal, Proof};

    fn linked() -> LinkedStorage {
        let text = "AccountName=acc;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:1/acc/";
        text.parse().unwrap()
    }

    #[test]
    fn only_urls_of_the_account_have_a_container_of_it() {
        let cases = [
            ("http://127.0.0.1:1/acc/box", Some("box")),
            ("http://127.0.0.1:1/acc/box/a/b?x=y", Some("box")),
            ("http://127.0.0.1:1/acc", None),
            ("http://127.0.0.1:1/other/box", None),
            ("http://127.0.0.1:1/account/box", None),
            ("http://127.0.0.1:2/acc/box", None),
            ("https://127.0.0.1:1/acc/box", None),
        ];
        for (url, container) in cases {
            let found = linked().container(&Url::parse(url).unwrap());
            assert_eq!(found.as_deref(), container, "{url}");
        }
    }

    fn identity(id: &str) -> IdentityReference {
        IdentityReference { resource_id: Some(id.to_owned()) }
    }

    #[test]
    fn an_identity_that_the_pool_does_not_have_is_denied() {
        let linked = linked();
        let identities = ["/mine".to_owned()];
        let access = Access { linked: Some(&linked), directory: None, identities: &identities };
        let ask = |url, id| access.location(url, Some(&identity(id))).map_err(|e| e.reason());
        assert!(ask("http://127.0.0.1:1/acc/box", "/MINE").is_ok());
        let reason = |url, id| ask(url, id).err().unwrap();
        assert!(reason("http://127.0.0.1:1/acc/box", "/yours").contains("/yours"));
        assert!(reason("http://elsewhere/box", "/mine").contains("--auto-storage"));
    }

    #[test]
    fn an_identity_that_is_a_principal_has_a_token_and_no_sas() {
        let proofs = vec![Proof::UserAssigned(Some("/mine".to_owned()))];
        let principals = vec![Principal { client_id: Uuid::nil(), proofs, roles: Vec::new() }];
        let settings = EntraSettings { principals, ..EntraSettings::new(Uuid::nil()) };
        let (linked, directory) = (linked(), Directory::new(&settings).unwrap());
        let identities = ["/Mine".to_owned()];
        let (linked, directory) = (Some(&linked), Some(&directory));
        let access = Access { linked, directory, identities: &identities };
        let url = "http://127.0.0.1:1/acc/box";
        let location = access.location(url, Some(&identity("/mine"))).unwrap();
        assert_eq!(location.url.as_str(), url);
        assert!(location.token.is_some());
        assert!(access.location(url, None).unwrap().token.is_none());
    }
}
