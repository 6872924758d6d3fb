//! URLs that carry the right to use them.
//!
//! [Service SAS](https://learn.microsoft.com/rest/api/storageservices/create-service-sas)

use super::{BlobContainer, transport::from_azure};
use crate::{Error, Result};
use azure_core::auth::Secret;
use azure_storage::{
    prelude::BlobSasPermissions,
    shared_access_signature::{
        SasProtocol, SasToken,
        service_sas::{BlobSharedAccessSignature, BlobSignedResource},
    },
};
use std::time::Duration;
use time::OffsetDateTime;
use url::Url;

/// The life of a URL that we use ourselves, at once: it only has to cover a clock that is off.
pub(crate) const OWN_REQUEST: Duration = Duration::from_secs(15 * 60);

/// What a URL allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SasPermissions {
    read: bool,
    list: bool,
    write: bool,
    delete: bool,
}

impl SasPermissions {
    /// Read a blob: enough for a resource file by `http_url`.
    pub const READ: Self = Self { read: true, list: false, write: false, delete: false };
    /// Read and list: what a resource file by `storage_container_url` needs.
    pub const READ_LIST: Self = Self { read: true, list: true, write: false, delete: false };
    /// Write blobs, new ones and over others: what an output file needs, as a task that runs again writes again.
    pub const WRITE: Self = Self { read: false, list: false, write: true, delete: false };
    /// Delete blobs.
    pub(crate) const DELETE: Self = Self { read: false, list: false, write: false, delete: true };

    fn permissions(self) -> BlobSasPermissions {
        BlobSasPermissions {
            read: self.read,
            list: self.list,
            write: self.write,
            delete: self.delete,
            ..BlobSasPermissions::default()
        }
    }
}

impl BlobContainer {
    /// The container's plain URL with a SAS for `life` from now. It has no start time, so that a
    /// service whose clock is behind takes it too.
    ///
    /// # Errors
    /// A `Configuration` error where `life` ends past the year 9999.
    pub fn container_url_with_sas(&self, rights: SasPermissions, life: Duration) -> Result<String> {
        self.signed_url(None, rights, life).map(Into::into)
    }

    /// The URL of a blob, its name percent-encoded, with a SAS for `life` from now.
    ///
    /// # Errors
    /// A `Configuration` error for a name that cannot be stored, or a `life` past the year 9999.
    pub fn blob_url_with_sas(
        &self,
        name: &str,
        rights: SasPermissions,
        life: Duration,
    ) -> Result<String> {
        self.signed_url(Some(name), rights, life).map(Into::into)
    }

    /// The URL of a blob, or of the container, with a SAS.
    pub(crate) fn signed_url(
        &self,
        blob: Option<&str>,
        rights: SasPermissions,
        life: Duration,
    ) -> Result<Url> {
        let (url, kind) = match blob {
            Some(name) => (self.blob(name)?.url(), BlobSignedResource::Blob),
            None => (self.client().url(), BlobSignedResource::Container),
        };
        let mut url = url.map_err(from_azure)?;
        let key = &self.account().key;
        let resource: Vec<_> =
            ["/blob", key.account(), self.name()].into_iter().chain(blob).collect();
        let mut sas = BlobSharedAccessSignature::new(
            Secret::new(key.expose_base64()),
            resource.join("/"),
            rights.permissions(),
            expiry(OffsetDateTime::now_utc(), life)?,
            kind,
        );
        if url.scheme() == "https" {
            sas = sas.protocol(SasProtocol::Https);
        }
        url.set_query(Some(&sas.token().map_err(from_azure)?));
        Ok(url)
    }
}

fn expiry(now: OffsetDateTime, life: Duration) -> Result<OffsetDateTime> {
    time::Duration::try_from(life)
        .ok()
        .and_then(|life| now.checked_add(life))
        .ok_or_else(|| Error::configuration(format!("a SAS cannot live for {life:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RetryPolicy, blob::StorageAccount};

    fn container(endpoint: &str) -> BlobContainer {
        let account = StorageAccount::from_parts(endpoint, "acct", "Y2FuYXJ5").unwrap();
        let http = reqwest::Client::new();
        BlobContainer::new(account, "data", http, RetryPolicy::default()).unwrap()
    }

    fn parameter(url: &str, name: &str) -> Option<String> {
        let url = Url::parse(url).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    #[test]
    fn a_containers_url_is_plain_and_has_the_rights_asked_for() {
        let container = container("https://acct.blob.core.windows.net");
        let hour = Duration::from_secs(3600);
        let url = container.container_url_with_sas(SasPermissions::READ_LIST, hour).unwrap();
        assert!(url.starts_with("https://acct.blob.core.windows.net/data?"), "{url}");
        let get = |name| parameter(&url, name);
        assert_eq!(get("sp").as_deref(), Some("rl"));
        assert_eq!(get("sr").as_deref(), Some("c"));
        assert_eq!(get("spr").as_deref(), Some("https"));
        assert_eq!((get("st"), get("restype")), (None, None));
        let url = container.container_url_with_sas(SasPermissions::WRITE, hour).unwrap();
        assert_eq!(parameter(&url, "sp").as_deref(), Some("w"));
    }

    #[test]
    fn a_blobs_url_encodes_its_name_and_azurites_has_the_account_in_its_path() {
        let container = container("http://127.0.0.1:1/acct/");
        let name = "a b/c#d%e+f?é.txt";
        let url = container.blob_url_with_sas(name, SasPermissions::READ, Duration::ZERO).unwrap();
        let expected = "http://127.0.0.1:1/acct/data/a%20b/c%23d%25e+f%3F%C3%A9.txt?";
        assert!(url.starts_with(expected), "{url}");
        assert_eq!(parameter(&url, "spr"), None);
    }

    #[test]
    fn a_life_without_end_is_refused() {
        let now = OffsetDateTime::now_utc();
        assert!(expiry(now, Duration::MAX).is_err());
        assert!(expiry(now, Duration::from_secs(60)).is_ok());
    }

    #[test]
    fn the_debug_text_of_a_container_holds_no_key() {
        let text = format!("{:?}", container("https://h"));
        assert!(text.contains("***") && !text.contains("Y2FuYXJ5"), "{text}");
    }
}
