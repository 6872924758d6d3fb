//! A storage account, from a connection string or from its parts.
//!
//! [Connection strings](https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string)

use crate::{Error, Result, SharedKey};
use std::collections::HashMap;
use url::Url;

/// The account of Azurite and of its predecessor, published for everybody to use:
/// [well-known account](https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key)
const DEVELOPMENT_STORAGE: &str = "AccountName=devstoreaccount1;\
    AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;\
    BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1";

/// Where an account's blobs are, and its key, which `Debug` hides.
#[derive(Clone, Debug)]
pub struct StorageAccount {
    pub(crate) endpoint: Url,
    pub(crate) key: SharedKey,
}

impl StorageAccount {
    /// From an account's connection string. Names are read without regard to case and order.
    ///
    /// # Errors
    /// A `Configuration` error that names what is missing and never shows the string.
    pub fn from_connection_string(text: &str) -> Result<Self> {
        let parts = ConnectionString::parse(text)?;
        if parts.get("usedevelopmentstorage").is_some_and(is_true) {
            return Self::from_connection_string(DEVELOPMENT_STORAGE);
        }
        let account = parts.get("accountname").ok_or_else(|| bad("has no AccountName"))?;
        let key = parts.get("accountkey").ok_or_else(|| parts.missing_key())?;
        Self::from_parts(&parts.blob_endpoint(account), account, key)
    }

    /// From the endpoint of the blob service, with the account in its host
    /// (`https://account.blob.core.windows.net`) or its path
    /// (`http://127.0.0.1:10000/devstoreaccount1`), the account's name and its key in base64.
    ///
    /// # Errors
    /// A `Configuration` error where the endpoint is malformed or the key not base64.
    pub fn from_parts(endpoint: &str, account: &str, key: &str) -> Result<Self> {
        let endpoint = parse_endpoint(endpoint)?;
        Ok(Self { endpoint, key: SharedKey::new(account, key)? })
    }

    /// The endpoint of the blob service, without a slash at its end.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }
}

/// The pairs of a connection string, names in lower case.
struct ConnectionString<'a>(HashMap<String, &'a str>);

impl<'a> ConnectionString<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let pairs = text.split(';').map(str::trim).filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').ok_or_else(|| bad("is malformed"))?;
                Ok((name.trim().to_lowercase(), value.trim()))
            })
            .collect::<Result<_>>()
            .map(Self)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied().filter(|value| !value.is_empty())
    }

    fn missing_key(&self) -> Error {
        if self.get("sharedaccesssignature").is_some() {
            return bad("has a SharedAccessSignature instead of an AccountKey, \
                        but the key is needed to sign URLs for the nodes");
        }
        bad("has no AccountKey")
    }

    fn blob_endpoint(&self, account: &str) -> String {
        if let Some(endpoint) = self.get("blobendpoint") {
            return endpoint.to_owned();
        }
        let protocol = self.get("defaultendpointsprotocol").unwrap_or("https");
        let suffix = self.get("endpointsuffix").unwrap_or("core.windows.net");
        format!("{protocol}://{account}.blob.{suffix}")
    }
}

fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}

fn bad(reason: &str) -> Error {
    Error::configuration(format!(
        "the connection string of the storage account {reason}; copy it whole from the \
         account's Access keys page: DefaultEndpointsProtocol=https;AccountName=...;AccountKey=..."
    ))
}

/// What is wrong is said in general words: an endpoint may hold a SAS.
fn parse_endpoint(text: &str) -> Result<Url> {
    let bad = |reason: &str| {
        Error::configuration(format!(
            "the blob endpoint {reason}; it looks like https://account.blob.core.windows.net"
        ))
    };
    let mut url = Url::parse(text).map_err(|error| bad(&format!("is not a URL ({error})")))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(bad("must begin with https:// or http://"));
    }
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user || url.query().is_some() || url.fragment().is_some() {
        return Err(bad("must not have a user, query or fragment"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn connection_strings_lead_to_their_endpoint() {
        let table = [
            ("AccountName=a;AccountKey=a2V5", "https://a.blob.core.windows.net"),
            (
                "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;EndpointSuffix=core.chinacloudapi.cn",
                "https://a.blob.core.chinacloudapi.cn",
            ),
            (
                " accountkey = a2V5 ; BLOBENDPOINT=http://127.0.0.1:1/a/ ;;accountname=a;",
                "http://127.0.0.1:1/a",
            ),
            (
                "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;QueueEndpoint=https://q;New=1",
                "http://a.blob.core.windows.net",
            ),
            ("UseDevelopmentStorage=TRUE", "http://127.0.0.1:10000/devstoreaccount1"),
        ];
        for (text, endpoint) in table {
            let account = StorageAccount::from_connection_string(text).unwrap();
            assert_eq!(account.endpoint(), endpoint, "{text}");
        }
    }

    #[test]
    fn bad_connection_strings_say_what_is_missing_and_show_nothing() {
        let table = [
            ("", "has no AccountName"),
            ("AccountKey=canary", "has no AccountName"),
            ("AccountName=a", "has no AccountKey"),
            ("AccountName=a;AccountKey=", "has no AccountKey"),
            ("AccountName=a;AccountKey=canary!", "is not base64"),
            ("AccountName=a;canary", "is malformed"),
            ("AccountName=a;SharedAccessSignature=sig=canary", "instead of an AccountKey"),
            ("AccountName=a;AccountKey=a2V5;BlobEndpoint=https://h/?sig=canary", "query"),
            ("AccountName=a;AccountKey=a2V5;BlobEndpoint=canary", "is not a URL"),
        ];
        for (text, reason) in table {
            let error = StorageAccount::from_connection_string(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            let message = error.to_string();
            assert!(message.contains(reason), "{text}: {message}");
            assert!(!format!("{message}{error:?}").contains("canary"), "{text}: {message}");
        }
    }

    #[test]
    fn the_debug_text_of_an_account_holds_no_key() {
        let account = StorageAccount::from_parts("https://h", "a", "Y2FuYXJ5").unwrap();
        let text = format!("{account:?}");
        assert!(text.contains("***") && !text.contains("Y2FuYXJ5"), "{text}");
    }
}
