//! What must not be shown, and the signature made with it.

use crate::error::{Error, Result};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};
use zeroize::Zeroizing;

/// How a hidden value appears in `Debug` output and messages.
pub(crate) const HIDDEN: &str = "***";

/// Base64 whose padding may be missing: a double click selects a key without it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A text that nobody may see. It is wiped from memory after its last use.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(Arc::new(Zeroizing::new(text.to_owned())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// An account's name and one of its two keys. Cheap to clone; the key is wiped from memory after its last use.
#[derive(Clone)]
pub struct SharedKey {
    account: String,
    key: Arc<Zeroizing<Vec<u8>>>,
}

impl SharedKey {
    /// Takes the key as the portal shows it, in base64; blanks, line ends and missing padding do not matter.
    ///
    /// # Errors
    /// A `Configuration` error where the account's name cannot be one or the key is not base64.
    pub fn new(account: &str, base64_key: &str) -> Result<Self> {
        check_account_name(account)?;
        let base64: String = base64_key.split_whitespace().collect();
        let wrong = |reason: &str| {
            Error::configuration(format!(
                "the access key of account '{account}' {reason}; \
                 copy it whole from the account's Keys page"
            ))
        };
        if base64.starts_with('?') || base64.contains('&') {
            return Err(wrong("is a SAS, not a key"));
        }
        let key = LENIENT.decode(base64).unwrap_or_default();
        if key.is_empty() {
            return Err(wrong("is not base64"));
        }
        Ok(Self { account: account.to_owned(), key: Arc::new(Zeroizing::new(key)) })
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
        BASE64_STANDARD.encode(&**self.key)
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey").field("account", &self.account).field("key", &HIDDEN).finish()
    }
}

/// Refuses what cannot be the name of an account, of Batch or of Storage. It is not shown: a key may
/// have been written in its place.
///
/// # Errors
/// A `Configuration` error that says what a name is.
///
/// [Storage](https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name),
/// [Batch](https://learn.microsoft.com/rest/api/batchmanagement/batch-account/create#uri-parameters)
pub fn check_account_name(name: &str) -> Result<()> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if (3..=24).contains(&name.len()) && name.chars().all(known) {
        return Ok(());
    }
    let reason = "an account's name has 3 to 24 lower-case letters and digits, and this is none";
    Err(Error::configuration(reason))
}

/// A URL without its query, which is where a SAS is: for `Debug` output.
pub(crate) fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((plain, _)) => format!("{plain}?{HIDDEN}"),
        None => url.to_owned(),
    }
}

/// The text with the signature of every SAS and every token in it hidden, for messages that come from a service:
/// it may quote the URLs and headers that it was given.
#[must_use]
pub fn without_signatures(text: &str) -> String {
    hide_after("Bearer ", &hide_after("sig=", text))
}

fn hide_after(mark: &str, text: &str) -> String {
    let mut parts = text.split(mark);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !is_signature(c)).unwrap_or(part.len());
        clean.push_str(mark);
        clean.push_str(HIDDEN);
        clean.push_str(&part[end..]);
    }
    clean
}

/// Base64, percent-encoded or not, or parts of it in a token.
fn is_signature(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=%-_.".contains(c)
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
        let sas = SharedKey::new("acct", "sv=1&sig=canary").unwrap_err().to_string();
        assert!(sas.contains("is a SAS, not a key") && !sas.contains("canary"), "{sas}");
    }

    #[test]
    fn what_cannot_be_an_account_is_refused_without_showing_it() {
        for bad in ["", "ab", "Canary", "canary==", "canarycanarycanarycanary1", "canary.blob"] {
            let error = SharedKey::new(bad, "Y2FuYXJ5").unwrap_err().to_string();
            assert!(error.contains("3 to 24 lower-case") && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_key_may_lack_its_padding_and_hold_line_ends() {
        for good in
            ["Y2FuYXJ5LWtleQ==", "Y2FuYXJ5LWtleQ", "Y2FuYXJ5LWtleQ=", " Y2FuYXJ5\nLWtleQ==\n"]
        {
            assert_eq!(SharedKey::new("acct", good).unwrap().expose_base64(), "Y2FuYXJ5LWtleQ==");
        }
    }

    #[test]
    fn signatures_are_hidden_wherever_they_stand() {
        let text = "see https://h/c?sv=1&sig=aB%2Bc/=&se=2, and sig=zz";
        assert_eq!(without_signatures(text), "see https://h/c?sv=1&sig=***&se=2, and sig=***");
        assert_eq!(without_signatures("nothing"), "nothing");
        let header = "authorization: Bearer eyJh.eyJz.c2ln, and Bearer x";
        assert_eq!(without_signatures(header), "authorization: Bearer ***, and Bearer ***");
    }

    #[test]
    fn a_query_is_hidden() {
        assert_eq!(without_query("https://h/c?sig=x"), "https://h/c?***");
        assert_eq!(without_query("https://h/c"), "https://h/c");
    }
}
