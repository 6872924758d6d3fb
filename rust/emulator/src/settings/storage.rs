//! The storage account that is linked to the Batch account.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// The storage account to which `autoStorageContainerName` refers and to which the identities of
/// pools have access.
#[derive(Clone)]
pub struct LinkedStorage {
    pub(crate) account: String,
    pub(crate) key: Vec<u8>,
    pub(crate) endpoint: Url,
}

impl fmt::Debug for LinkedStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, endpoint, .. } = self;
        write!(formatter, "LinkedStorage {{ account: {account}, endpoint: {endpoint} }}")
    }
}

impl FromStr for LinkedStorage {
    type Err = String;

    /// Parses a connection string of a storage account; uses its `AccountName`, `AccountKey` and
    /// `BlobEndpoint`. Errors do not contain the key.
    fn from_str(text: &str) -> Result<LinkedStorage, String> {
        let part = |name: &str| {
            let mut parts = text.split(';').filter_map(|part| part.split_once('='));
            let found = parts.find(|(known, _)| known.trim() == name);
            found.map(|(_, value)| value.trim()).ok_or_else(|| format!("{name}=… is missing"))
        };
        let endpoint = part("BlobEndpoint")?;
        let endpoint = Url::parse(endpoint).ok().filter(|url| url.has_host());
        Ok(LinkedStorage {
            account: part("AccountName")?.to_owned(),
            key: STANDARD.decode(part("AccountKey")?).map_err(|_| "AccountKey is not base64")?,
            endpoint: endpoint.ok_or("BlobEndpoint is not the URL of a blob service")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_parsed_and_its_key_not_shown() {
        let text = "DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=c2VjcmV0;\
            BlobEndpoint=http://127.0.0.1:1/acc;";
        let storage: LinkedStorage = text.parse().unwrap();
        assert_eq!((storage.account.as_str(), storage.key.as_slice()), ("acc", &b"secret"[..]));
        assert_eq!(storage.endpoint.as_str(), "http://127.0.0.1:1/acc");
        assert!(!format!("{storage:?}").contains("115"), "{storage:?}");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_without_the_key() {
        let cases = [
            ("AccountName=a;AccountKey=c2VjcmV0", "BlobEndpoint"),
            ("AccountKey=c2VjcmV0;BlobEndpoint=http://h", "AccountName"),
            ("AccountName=a;BlobEndpoint=http://h", "AccountKey"),
            ("AccountName=a;AccountKey=no base64!;BlobEndpoint=http://h", "AccountKey"),
            ("AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=nothing", "BlobEndpoint"),
        ];
        for (text, named) in cases {
            let error = text.parse::<LinkedStorage>().unwrap_err();
            assert!(error.starts_with(named) && !error.contains("c2VjcmV0"), "{error}");
        }
    }
}
