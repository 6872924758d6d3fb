//! Shared Key authentication.
//!
//! [Authenticate
//! requests](https://learn.microsoft.com/rest/api/batchservice/authenticate-requests-to-the-azure-batch-service)

use std::sync::{PoisonError, RwLock};

use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};

use super::call::Query;
use crate::error::{ApiError, Code, Result};
use crate::wire::time::parse_http_date;

/// The largest difference between a request's date and the service's clock.
const MAX_CLOCK_SKEW: Duration = Duration::minutes(15);

/// The headers of the string to sign after the verb, in order.
const HEADERS: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// The account and its key.
pub(crate) struct SharedKey {
    account: String,
    key: RwLock<Vec<u8>>,
}

/// The details of the string to sign in which Microsoft's own clients differ. All variants are
/// accepted.
#[derive(Clone, Copy)]
struct Variant {
    /// Whether the length of an absent body is `0` (Python) or empty (other clients).
    zero_length: bool,
    /// Whether the account name is in lower case (Java) or unchanged (Python).
    lower_account: bool,
    /// Whether query parameter names are in lower case (Java) or unchanged (Python).
    lower_names: bool,
}

impl SharedKey {
    pub(crate) fn new(account: &str, key: Vec<u8>) -> SharedKey {
        SharedKey { account: account.to_owned(), key: RwLock::new(key) }
    }

    /// From now on only this key is accepted.
    pub(crate) fn replace(&self, key: Vec<u8>) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// Checks a request's signature, and its date by the service's clock.
    ///
    /// # Errors
    /// `InvalidAuthenticationInfo` for a malformed header, otherwise `AuthenticationFailed`.
    pub(crate) fn check(&self, request: &Parts, query: &Query, now: OffsetDateTime) -> Result<()> {
        let given = header(&request.headers, "authorization");
        if given.is_empty() {
            return Err(failed("the request has no Authorization header"));
        }
        let (scheme, credential) = given.split_once(' ').ok_or(Code::InvalidAuthenticationInfo)?;
        if scheme != "SharedKey" {
            return Err(failed("the schemes of the Authorization header are SharedKey and Bearer"));
        }
        let (account, signature) =
            credential.split_once(':').ok_or(Code::InvalidAuthenticationInfo)?;
        let signature =
            STANDARD.decode(signature.trim()).map_err(|_| Code::InvalidAuthenticationInfo)?;
        check_date(&request.headers, now)?;
        if !account.eq_ignore_ascii_case(&self.account) {
            return Err(failed("the Authorization header names another account"));
        }
        self.check_signature(request, query, &signature)
    }

    fn check_signature(&self, request: &Parts, query: &Query, signature: &[u8]) -> Result<()> {
        let signs = |variant: &Variant| self.signs(&self.text(request, query, *variant), signature);
        if variants().iter().any(signs) {
            return Ok(());
        }
        let variant = Variant { zero_length: false, lower_account: false, lower_names: false };
        let text = self.text(request, query, variant);
        Err(failed(&format!("the signature does not match this string to sign: {text:?}")))
    }

    /// Compares in constant time.
    fn signs(&self, text: &str, signature: &[u8]) -> bool {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
        mac.update(text.as_bytes());
        mac.verify_slice(signature).is_ok()
    }

    fn text(&self, request: &Parts, query: &Query, variant: Variant) -> String {
        let headers = &request.headers;
        let mut text = format!("{}\n", request.method);
        for name in HEADERS {
            text += signed_value(headers, name, variant);
            text.push('\n');
        }
        text + &canonical_headers(headers)
            + &canonical_resource(&self.account, request.uri.path(), query, variant)
    }
}

fn variants() -> [Variant; 8] {
    std::array::from_fn(|bits| Variant {
        zero_length: bits & 1 != 0,
        lower_account: bits & 2 != 0,
        lower_names: bits & 4 != 0,
    })
}

fn signed_value<'a>(headers: &'a HeaderMap, name: &str, variant: Variant) -> &'a str {
    match (name, header(headers, name)) {
        ("date", _) if headers.contains_key("ocp-date") => "",
        ("content-length", "" | "0") if variant.zero_length => "0",
        ("content-length", "0") => "",
        (_, value) => value,
    }
}

fn canonical_headers(headers: &HeaderMap) -> String {
    let mut lines: Vec<String> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("ocp-"))
        .map(|name| format!("{name}:{}\n", header(headers, name.as_str()).trim()))
        .collect();
    lines.sort();
    lines.concat()
}

fn canonical_resource(account: &str, path: &str, query: &Query, variant: Variant) -> String {
    let lower = |text: &str, lower| if lower { text.to_lowercase() } else { text.to_owned() };
    let mut pairs: Vec<&(String, String)> = query.pairs().iter().collect();
    pairs.sort_by_key(|(name, _)| name.to_lowercase());
    let mut resource = format!("/{}{path}", lower(account, variant.lower_account));
    for (name, value) in pairs {
        resource += &format!("\n{}:{value}", lower(name, variant.lower_names));
    }
    resource
}

fn check_date(headers: &HeaderMap, now: OffsetDateTime) -> Result<()> {
    let text = match header(headers, "ocp-date") {
        "" => header(headers, "date"),
        date => date,
    };
    if text.is_empty() {
        return Err(failed("the request has neither an ocp-date nor a Date header"));
    }
    let date = parse_http_date(text)
        .ok_or_else(|| ApiError::header("ocp-date", text, "not an HTTP date"))?;
    match (now - date).abs() > MAX_CLOCK_SKEW {
        true => Err(failed("the date of the request is more than 15 minutes from now")),
        false => Ok(()),
    }
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Returns the error for a request that is not authenticated.
pub(super) fn failed(detail: &str) -> ApiError {
    ApiError::from(Code::AuthenticationFailed).with("AuthenticationErrorDetail", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    const KEY: &[u8] = b"key";

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> (Parts, Query) {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let parts = builder.body(()).unwrap().into_parts().0;
        let query = Query::parse(parts.uri.query().unwrap_or("")).unwrap();
        (parts, query)
    }

    fn plain(shared_key: &SharedKey, request: &(Parts, Query)) -> String {
        let variant = Variant { zero_length: false, lower_account: false, lower_names: false };
        shared_key.text(&request.0, &request.1, variant)
    }

    #[test]
    fn the_documented_get_has_the_documented_string_to_sign() {
        let request = request(
            "GET",
            "/pools?api-version=2014-01-01.1.0&timeout=20",
            &[("ocp-date", "Tue, 29 Jul 2014 21:49:13 GMT")],
        );
        let expected = "GET\n\n\n\n\n\n\n\n\n\n\n\n\
            ocp-date:Tue, 29 Jul 2014 21:49:13 GMT\n\
            /myaccount/pools\napi-version:2014-01-01.1.0\ntimeout:20";
        assert_eq!(plain(&SharedKey::new("myaccount", KEY.into()), &request), expected);
    }

    #[test]
    fn the_documented_post_has_the_documented_string_to_sign() {
        let request = request(
            "POST",
            "/jobs?api-version=2014-01-01.1.0",
            &[
                ("content-type", "application/json;odata=minimalmetadata"),
                ("content-length", "100"),
                ("ocp-date", "Tue, 29 Jul 2014 21:49:13 GMT"),
                ("date", "Tue, 29 Jul 2014 21:49:12 GMT"),
            ],
        );
        let expected = "POST\n\n\n100\n\napplication/json;odata=minimalmetadata\n\n\n\n\n\n\n\
            ocp-date:Tue, 29 Jul 2014 21:49:13 GMT\n\
            /myaccount/jobs\napi-version:2014-01-01.1.0";
        assert_eq!(plain(&SharedKey::new("myaccount", KEY.into()), &request), expected);
    }

    #[test]
    fn values_are_decoded_the_path_is_not_and_names_are_sorted() {
        let request = request(
            "GET",
            "/jobs/a%20b?maxresults=1&%24filter=id+eq+%27x%27&api-version=1",
            &[("ocp-range", "bytes=0-1"), ("ocp-date", "d")],
        );
        let text = plain(&SharedKey::new("Acc", KEY.into()), &request);
        assert!(text.ends_with(
            "ocp-date:d\nocp-range:bytes=0-1\n/Acc/jobs/a%20b\n$filter:id eq 'x'\napi-version:1\nmaxresults:1"
        ));
    }

    #[test]
    fn every_variant_of_microsofts_clients_is_accepted_and_no_other_signature() {
        let now = OffsetDateTime::now_utc();
        let date = crate::wire::time::http_date(now);
        let (mut parts, query) =
            request("DELETE", "/jobs/J?timeOut=30&api-version=1", &[("ocp-date", &date)]);
        let shared_key = SharedKey::new("Acc", KEY.into());
        for variant in variants() {
            let text = shared_key.text(&parts, &query, variant);
            let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
            mac.update(text.as_bytes());
            let signature = STANDARD.encode(mac.finalize().into_bytes());
            let value = format!("SharedKey Acc:{signature}").parse().unwrap();
            parts.headers.insert("authorization", value);
            assert!(shared_key.check(&parts, &query, now).is_ok(), "{text}");
        }
        let wrong = format!("SharedKey Acc:{}", STANDARD.encode([0; 32])).parse().unwrap();
        parts.headers.insert("authorization", wrong);
        let error = shared_key.check(&parts, &query, now).unwrap_err();
        assert_eq!(error.code, Code::AuthenticationFailed);
    }
}
