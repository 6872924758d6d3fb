//! A node's access to storage accounts: with the SAS in a URL, or with one that the node creates.
//!
//! The node can create a SAS for the storage account that is linked to the Batch account. There is
//! no Microsoft Entra ID here, so a pool's identity gives access only to that account.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::blob::BlobError;
use crate::settings::LinkedStorage;
use crate::wire::common::IdentityReference;
use crate::wire::time::sas_time;

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
    /// The resource ids of the pool's identities.
    pub(super) identities: &'a [String],
}

impl Access<'_> {
    /// Returns the URL to use: unchanged, or with a SAS if an identity is given.
    ///
    /// # Errors
    /// `Denied` if the pool does not have the identity or the identity has no access to the
    /// account, `Other` for an invalid URL.
    pub(super) fn url(
        &self,
        text: &str,
        identity: Option<&IdentityReference>,
    ) -> Result<Url, BlobError> {
        let url = Url::parse(text)
            .map_err(|error| BlobError::Other(format!("the URL is not valid: {error}")))?;
        let Some(identity) = identity else { return Ok(url) };
        let id = identity.resource_id.as_deref().unwrap_or("");
        if !self.identities.iter().any(|own| own.eq_ignore_ascii_case(id)) {
            return Err(BlobError::Denied(format!("the pool has no identity {id}")));
        }
        let signed =
            self.linked.and_then(|linked| Some(linked.signed(&linked.container(&url)?, url)));
        signed.ok_or_else(|| {
            BlobError::Denied(
                "an identity reaches only the storage account of --auto-storage here".to_owned(),
            )
        })
    }

    /// Returns the URL of a container of the linked storage account.
    ///
    /// # Errors
    /// `NotFound` if no account is linked.
    pub(super) fn auto_storage(&self, container: &str) -> Result<Url, BlobError> {
        let linked = self.linked.ok_or_else(|| {
            BlobError::NotFound("no storage account is linked to the Batch account".to_owned())
        })?;
        let mut url = linked.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(container);
        }
        Ok(linked.signed(container, url))
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
    use super::*;

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

    #[test]
    fn an_identity_that_the_pool_does_not_have_is_denied() {
        let linked = linked();
        let access = Access { linked: Some(&linked), identities: &["/mine".to_owned()] };
        let of = |id: &str| IdentityReference { resource_id: Some(id.to_owned()) };
        let ask = |url: &str, id: &str| access.url(url, Some(&of(id))).map_err(|e| e.reason());
        assert!(ask("http://127.0.0.1:1/acc/box", "/MINE").is_ok());
        assert!(ask("http://127.0.0.1:1/acc/box", "/yours").unwrap_err().contains("/yours"));
        assert!(ask("http://elsewhere/box", "/mine").unwrap_err().contains("--auto-storage"));
    }
}
