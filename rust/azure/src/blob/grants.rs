//! URLs that carry the right to use them, for nodes, which have nothing else to show.
//!
//! [Service SAS](https://learn.microsoft.com/rest/api/storageservices/create-service-sas),
//! [User delegation SAS](https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas)

use super::{
    BlobContainer,
    access::{Access, Own, show},
    sas::SasPermissions,
    transport::from_azure,
};
use crate::{Error, Result, SharedKey, identity::Tokens};
use azure_core::auth::Secret;
use azure_storage::shared_access_signature::{
    SasProtocol, SasToken,
    service_sas::{BlobSharedAccessSignature, BlobSignedResource, SasKey, UserDeligationKey},
};
use reqwest::header::HeaderMap;
use std::time::Duration;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::Url;

/// A key that an identity gets for signing lives so long at most.
pub const LONGEST_DELEGATION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Clocks differ.
const EARLIER: Duration = Duration::from_secs(15 * 60);

/// Characters of a signature's parameters, with as many of them escaped as is likely.
const BY_KEY: usize = 150;
const BY_DELEGATION: usize = 500;

/// What an account with a hierarchical namespace says of itself.
const IS_HIERARCHICAL: &str = "x-ms-is-hns-enabled";

/// Nobody reads what these answers hold.
const MAX_ANSWER: u64 = 64 * 1024;

/// Makes such URLs for one container, or for one directory in it.
pub struct Grants<'a> {
    container: &'a BlobContainer,
    signer: Signer,
    directory: Option<&'a str>,
}

enum Signer {
    Key(SasKey, OffsetDateTime),
    /// What was given to us is handed on.
    Same(String),
}

impl BlobContainer {
    /// Grants that live so long from now. They have no start time, so that a service whose clock is behind takes them too.
    /// An identity asks for a key that signs in its name: that takes a request, and the role Storage Blob Delegator.
    ///
    /// [Get User Delegation Key](https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key)
    ///
    /// # Errors
    /// A `Configuration` error where `life` ends past the year 9999; what the service refuses.
    pub async fn grants(&self, life: Duration) -> Result<Grants<'_>> {
        let signer = match &self.account().access {
            Access::Key(key) => return Grants::by_key(self, key, life),
            Access::Sas(sas) => Signer::Same(sas.expose().to_owned()),
            Access::Tokens(tokens) => {
                let expiry = expiry(OffsetDateTime::now_utc(), life)?;
                Signer::Key(self.delegation_key(tokens, expiry).await?.into(), expiry)
            }
        };
        Ok(Grants { container: self, signer, directory: None })
    }

    /// A URL of the container that is as long as one with any grant, for those who count characters before there is one.
    ///
    /// # Errors
    /// Where the container has no URL.
    pub fn longest_grant(&self) -> Result<String> {
        let length = match &self.account().access {
            Access::Sas(sas) => sas.expose().len(),
            Access::Key(_) => BY_KEY,
            Access::Tokens(_) => BY_DELEGATION,
        };
        Ok(format!("{}?{}", self.plain_url(None)?, "x".repeat(length)))
    }

    async fn delegation_key(
        &self,
        tokens: &Tokens,
        expiry: OffsetDateTime,
    ) -> Result<UserDeligationKey> {
        let (start, end) = (moment(OffsetDateTime::now_utc() - EARLIER)?, moment(expiry)?);
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{start}</Start><Expiry>{end}</Expiry></KeyInfo>"
        );
        let mut url = self.account().endpoint.clone();
        url.set_path(&format!("{}/", url.path().trim_end_matches('/')));
        url.set_query(Some("restype=service&comp=userdelegationkey"));
        let attempt = async || {
            let own = Own { url: url.clone(), headers: show(tokens).await? };
            let sent = self.transport().post(own, "application/xml", body.clone().into()).await?;
            let key = quick_xml::de::from_reader(sent.document(b"<")?);
            key.map_err(|error| Error::protocol(format!("the answer was not understood: {error}")))
        };
        self.run("get a key to sign URLs for the nodes", attempt).await
    }

    /// The URL of a blob, its name percent-encoded, or of the container, without any right.
    ///
    /// # Errors
    /// A `Configuration` error for a name that cannot be stored.
    pub fn plain_url(&self, blob: Option<&str>) -> Result<Url> {
        let url = match blob {
            Some(name) => self.blob(name)?.url(),
            None => self.client().url(),
        };
        let mut url = url.map_err(from_azure)?;
        url.set_query(None);
        Ok(url)
    }
}

impl<'a> Grants<'a> {
    pub(super) fn by_key(
        container: &'a BlobContainer,
        key: &SharedKey,
        life: Duration,
    ) -> Result<Self> {
        let expiry = expiry(OffsetDateTime::now_utc(), life)?;
        let key = Secret::new(key.expose_base64());
        Ok(Self { container, signer: Signer::Key(key.into(), expiry), directory: None })
    }

    /// The same for the blobs below a directory alone, where the account has a hierarchical namespace: only there can
    /// a signature be for a directory. The first call for a container asks for that.
    ///
    /// # Errors
    /// That the service cannot be reached. What it refuses is not tried again, and the grants stay those of the container.
    pub async fn below(mut self, directory: &'a str) -> Result<Self> {
        let Signer::Key(..) = self.signer else { return Ok(self) };
        let known = self.container.takes_directories();
        let takes = known.get_or_try_init(|| self.takes_directory(directory)).await?;
        self.directory = takes.then_some(directory);
        Ok(self)
    }

    /// Nothing says that Batch's nodes can list a directory by a signature for it, so it is tried.
    ///
    /// [Get Account Information](https://learn.microsoft.com/rest/api/storageservices/get-account-information)
    async fn takes_directory(&self, directory: &str) -> Result<bool> {
        let url = self.sign(None, None, SasPermissions::READ_LIST)?;
        let account = [("restype", "account"), ("comp", "properties")];
        let account = self.ask("ask what kind of account it is", url, &account).await?;
        let says_so =
            |headers: HeaderMap| headers.get(IS_HIERARCHICAL).is_some_and(|is| is == "true");
        if !account.is_some_and(says_so) {
            return Ok(false);
        }
        let (prefix, container) = (format!("{directory}/"), ("restype", "container"));
        let list = [container, ("comp", "list"), ("maxresults", "1"), ("prefix", &prefix)];
        let url = self.sign(None, Some(directory), SasPermissions::READ_LIST)?;
        Ok(self.ask("list a directory by a signature for it", url, &list).await?.is_some())
    }

    /// The headers of an answer; None where the service refuses to answer.
    async fn ask(
        &self,
        action: &str,
        mut url: Url,
        query: &[(&str, &str)],
    ) -> Result<Option<HeaderMap>> {
        url.query_pairs_mut().extend_pairs(query);
        let attempt = async || {
            let own = Own { url: url.clone(), headers: HeaderMap::new() };
            self.container.transport().get(own, MAX_ANSWER).await
        };
        match self.container.run(action, attempt).await {
            Ok(answer) => Ok(Some(answer.headers)),
            Err(error) if error.status().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The URL of a blob, or of the container, with these rights or, where a SAS is handed on, with its own.
    ///
    /// # Errors
    /// A `Configuration` error for a name that cannot be stored.
    pub fn url(&self, blob: Option<&str>, rights: SasPermissions) -> Result<Url> {
        self.sign(blob, self.directory, rights)
    }

    fn sign(
        &self,
        blob: Option<&str>,
        directory: Option<&str>,
        rights: SasPermissions,
    ) -> Result<Url> {
        let mut url = self.container.plain_url(blob)?;
        let query = match &self.signer {
            Signer::Same(query) => query.clone(),
            Signer::Key(key, expiry) => {
                let (kind, below) = match (blob, directory) {
                    (Some(blob), _) => (BlobSignedResource::Blob, Some(blob)),
                    (None, Some(directory)) => (BlobSignedResource::Directory, Some(directory)),
                    (None, None) => (BlobSignedResource::Container, None),
                };
                let account = self.container.account().name();
                let parts = ["/blob", account, self.container.name()].into_iter().chain(below);
                let resource = parts.collect::<Vec<_>>().join("/");
                let rights = rights.permissions();
                let mut sas =
                    BlobSharedAccessSignature::new(copy(key), resource, rights, *expiry, kind);
                if url.scheme() == "https" {
                    sas = sas.protocol(SasProtocol::Https);
                }
                if let (None, Some(directory)) = (blob, directory) {
                    sas = sas.signed_directory_depth(directory.split('/').count());
                }
                sas.token().map_err(from_azure)?
            }
        };
        url.set_query(Some(&query));
        Ok(url)
    }
}

/// The storage crate wants one for each signature.
fn copy(key: &SasKey) -> SasKey {
    match key {
        SasKey::Key(key) => SasKey::Key(key.clone()),
        SasKey::UserDelegationKey(key) => SasKey::UserDelegationKey(key.clone()),
    }
}

fn moment(moment: OffsetDateTime) -> Result<String> {
    let seconds = moment.replace_nanosecond(0).unwrap_or(moment);
    seconds.format(&Rfc3339).map_err(|error| Error::protocol(error.to_string()))
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

    const HOUR: Duration = Duration::from_secs(3600);

    fn container(endpoint: &str) -> BlobContainer {
        let account = StorageAccount::from_parts(endpoint, "acct", "Y2FuYXJ5").unwrap();
        let http = reqwest::Client::new();
        BlobContainer::new(account, "data", http, RetryPolicy::default()).unwrap()
    }

    async fn url(container: &BlobContainer, blob: Option<&str>, rights: SasPermissions) -> String {
        container.grants(HOUR).await.unwrap().url(blob, rights).unwrap().into()
    }

    fn parameter(url: &str, name: &str) -> Option<String> {
        let url = Url::parse(url).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    #[tokio::test]
    async fn a_containers_url_is_plain_and_has_the_rights_asked_for() {
        let container = container("https://acct.blob.core.windows.net");
        let read = url(&container, None, SasPermissions::READ_LIST).await;
        assert!(read.starts_with("https://acct.blob.core.windows.net/data?"), "{read}");
        let get = |name| parameter(&read, name);
        assert_eq!(get("sp").as_deref(), Some("rl"));
        assert_eq!(get("sr").as_deref(), Some("c"));
        assert_eq!(get("spr").as_deref(), Some("https"));
        assert_eq!((get("st"), get("restype")), (None, None));
        let write = url(&container, None, SasPermissions::WRITE).await;
        assert_eq!(parameter(&write, "sp").as_deref(), Some("w"));
        assert!(write.len() <= container.longest_grant().unwrap().len());
    }

    #[tokio::test]
    async fn a_blobs_url_encodes_its_name_and_azurites_has_the_account_in_its_path() {
        let container = container("http://127.0.0.1:1/acct/");
        let url = url(&container, Some("a b/c#d%e+f?é.txt"), SasPermissions::READ).await;
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
