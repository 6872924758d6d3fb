//! What must not be shown, and the signature made with it.

use crate::error::{Error, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{fmt, sync::Arc};

/// How a hidden value appears in `Debug` output and messages.
pub(crate) const HIDDEN: &str = "***";

/// An account's name and one of its two keys. Cheap to clone.
#[derive(Clone)]
pub struct SharedKey {
    account: String,
    key: Arc<[u8]>,
}

impl SharedKey {
    /// Takes the key as the portal shows it, in base64.
    ///
    /// # Errors
    /// A `Configuration` error where the account is empty or the key is not base64.
    pub fn new(account: &str, base64_key: &str) -> Result<Self> {
        if account.is_empty() {
            return Err(Error::configuration("the account name is empty"));
        }
        let key = BASE64_STANDARD.decode(base64_key.trim()).unwrap_or_default();
        if key.is_empty() {
            return Err(Error::configuration(format!(
                "the access key of account '{account}' is not base64; \
                 copy it whole from the account's Keys page"
            )));
        }
        Ok(Self { account: account.to_owned(), key: key.into() })
    }

    /// The account's name.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The HMAC-SHA256 of `text`, in base64.
    pub(crate) fn sign(&self, text: &str) -> Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .map_err(|_| Error::configuration("the access key cannot be used for signing"))?;
        mac.update(text.as_bytes());
        Ok(BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// The key in base64, for the storage crate, which wants it so.
    pub(crate) fn expose_base64(&self) -> String {
        BASE64_STANDARD.encode(&self.key)
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey").field("account", &self.account).field("key", &HIDDEN).finish()
    }
}

/// A URL without its query, which is where a SAS is: for `Debug` output.
pub(crate) fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((plain, _)) => format!("{plain}?{HIDDEN}"),
        None => url.to_owned(),
    }
}

/// The text with the signature of every SAS in it hidden, for messages that come from a service:
/// it may quote the URLs that it was given.
#[must_use]
pub fn without_signatures(text: &str) -> String {
    let mut parts = text.split("sig=");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !is_signature(c)).unwrap_or(part.len());
        clean.push_str("sig=");
        clean.push_str(HIDDEN);
        clean.push_str(&part[end..]);
    }
    clean
}

/// Base64, percent-encoded or not.
fn is_signature(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=%-_".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown_and_bad_ones_are_refused_without_showing_them() {
        let key = SharedKey::new("acct", "Y2FuYXJ5LWtleQ==").unwrap();
        assert_eq!(format!("{key:?}"), r#"SharedKey { account: "acct", key: "***" }"#);
        for bad in ["canary*not*base64", "", "   "] {
            let error = SharedKey::new("acct", bad).unwrap_err().to_string();
            assert!(error.contains("'acct' is not base64"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        assert!(SharedKey::new("", "Y2FuYXJ5").is_err());
    }

    #[test]
    fn signatures_are_hidden_wherever_they_stand() {
        let text = "see https://h/c?sv=1&sig=aB%2Bc/=&se=2, and sig=zz";
        assert_eq!(without_signatures(text), "see https://h/c?sv=1&sig=***&se=2, and sig=***");
        assert_eq!(without_signatures("nothing"), "nothing");
    }

    #[test]
    fn a_query_is_hidden() {
        assert_eq!(without_query("https://h/c?sig=x"), "https://h/c?***");
        assert_eq!(without_query("https://h/c"), "https://h/c");
    }
}
