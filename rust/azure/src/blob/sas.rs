//! Shared access signatures: the rights that one carries, and one that is given to us.
//!
//! [Service SAS](https://learn.microsoft.com/rest/api/storageservices/create-service-sas),
//! [Account SAS](https://learn.microsoft.com/rest/api/storageservices/create-account-sas)

use crate::{Error, Result, secret::Secret};
use azure_storage::prelude::BlobSasPermissions;
use std::collections::HashMap;
use time::{Date, OffsetDateTime, Time, format_description::well_known::Iso8601};
use url::form_urlencoded;

/// What we and the nodes do with blobs, by the letters of the parameter `sp`.
const NEEDED: &str = "rwdl";

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
    /// All that we do with blobs.
    pub const ALL: Self = Self { read: true, list: true, write: true, delete: true };
    /// Delete blobs.
    pub(crate) const DELETE: Self = Self { read: false, list: false, write: false, delete: true };

    pub(super) fn permissions(self) -> BlobSasPermissions {
        BlobSasPermissions {
            read: self.read,
            list: self.list,
            write: self.write,
            delete: self.delete,
            ..BlobSasPermissions::default()
        }
    }
}

/// One that is given to us for a container, or for an account. `Debug` hides it.
#[derive(Clone, Debug)]
pub(crate) struct Sas {
    query: Secret,
    expires: Option<OffsetDateTime>,
}

impl Sas {
    /// Takes one as the portal shows it, with or without the `?`.
    ///
    /// # Errors
    /// A `Configuration` error that says what it lacks, and does not show it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text: String = text.split_whitespace().collect();
        let query = text.trim_start_matches('?');
        let pairs: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if query.contains("://") || pairs.get("sig").is_none_or(String::is_empty) {
            let reason = "this is no SAS token, which begins with sv= or sp= and has a 'sig'";
            return Err(Error::configuration(reason));
        }
        check_scope(&pairs)?;
        check_rights(&pairs)?;
        let expires = pairs.get("se").map(|moment| parse_moment(moment)).transpose()?;
        Ok(Self { query: Secret::new(query), expires })
    }

    pub(super) fn expose(&self) -> &str {
        self.query.expose()
    }

    /// None: the stored access policy that it names knows.
    pub(super) fn expires(&self) -> Option<OffsetDateTime> {
        self.expires
    }
}

/// It has to be for all blobs of the container.
fn check_scope(pairs: &HashMap<String, String>) -> Result<()> {
    let lacks = |name: &str, needed: &str| {
        let value = pairs.get(name).map_or("", String::as_str);
        needed.chars().any(|one| !value.contains(one))
    };
    let is_of_account = pairs.contains_key("ss");
    let reason = if is_of_account && lacks("ss", "b") {
        "this SAS of the account is not for blobs: its services (ss) lack b"
    } else if is_of_account && lacks("srt", "co") {
        "this SAS of the account is not for containers and objects: its resource types (srt) lack c or o"
    } else if pairs.get("sr").is_some_and(|resource| resource != "c") {
        "this SAS is not for the whole container: it needs sr=c"
    } else {
        return Ok(());
    };
    Err(Error::configuration(reason))
}

fn check_rights(pairs: &HashMap<String, String>) -> Result<()> {
    // A stored access policy may have them.
    let Some(rights) = pairs.get("sp") else { return Ok(()) };
    let missing: String = NEEDED.chars().filter(|right| !rights.contains(*right)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "this SAS allows (sp) too little: it lacks '{missing}'; read, write, delete and list are needed"
    )))
}

/// A date, or a moment without its seconds, will do.
fn parse_moment(text: &str) -> Result<OffsetDateTime> {
    let midnight = |date: Date| date.with_time(Time::MIDNIGHT).assume_utc();
    OffsetDateTime::parse(text, &Iso8601::DEFAULT)
        .or_else(|_| Date::parse(text, &Iso8601::DEFAULT).map(midnight))
        .map_err(|_| Error::configuration("the expiry (se) of this SAS is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const GOOD: &str = "sv=2022-11-02&sp=racwdl&sr=c&se=2026-12-01T10:00Z&sig=canary%3D";

    #[test]
    fn a_sas_is_taken_as_people_paste_it() {
        for good in [GOOD.to_owned(), format!("?{GOOD}"), format!(" {GOOD}\n")] {
            let sas = Sas::parse(&good).unwrap();
            let expires = Some(datetime!(2026-12-01 10:00 UTC));
            assert_eq!((sas.expose(), sas.expires()), (GOOD, expires));
            assert!(!format!("{sas:?}").contains("canary"));
        }
        let expiry = |text| Sas::parse(text).unwrap().expires();
        let account = "sv=1&ss=bfqt&srt=sco&sp=rwdlacupiytfx&se=2026-12-01T10%3A00%3A05Z&sig=x";
        assert_eq!(expiry(account), Some(datetime!(2026-12-01 10:00:05 UTC)));
        assert_eq!(expiry("sv=1&sr=c&si=policy&sig=x"), None);
        let date = "sp=rwdl&sr=c&se=2026-12-01&sig=x";
        assert_eq!(expiry(date), Some(datetime!(2026-12-01 0:00 UTC)));
    }

    #[test]
    fn a_sas_that_does_not_do_is_refused_without_showing_it() {
        for (bad, reason) in [
            ("", "is no SAS token"),
            ("canary==", "is no SAS token"),
            ("sv=1&sp=rwdl&sr=c&sig=", "is no SAS token"),
            (&format!("https://acct.blob.core.windows.net/data?{GOOD}"), "is no SAS token"),
            ("sp=rwdl&sr=b&sig=canary", "sr=c"),
            ("sp=rl&sr=c&sig=canary", "lacks 'wd'"),
            ("ss=qt&srt=sco&sp=rwdl&sig=canary", "lack b"),
            ("ss=b&srt=s&sp=rwdl&sig=canary", "lack c or o"),
            ("sp=rwdl&sr=c&se=canary&sig=canary", "is no time"),
        ] {
            let error = Sas::parse(bad).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("canary"), "{bad}: {error}");
        }
    }
}
