//! A request that passed the checks common to all requests.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::error::{ApiError, Code, Result};
use crate::service::conditions::Conditions;

/// Query parameters that every operation accepts.
const COMMON: [&str; 2] = ["api-version", "timeout"];

/// The decoded query of a request, in its original order.
pub(crate) struct Query(Vec<(String, String)>);

/// An authenticated request.
pub(crate) struct Call {
    /// The path as it was sent.
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The account's URL as the client used it, for the URLs in the response.
    pub(crate) endpoint: String,
}

impl Query {
    /// # Errors
    /// `InvalidQueryParameterValue` for a parameter that is not UTF-8 or appears twice.
    pub(crate) fn parse(text: &str) -> Result<Query> {
        let (mut pairs, mut names) = (Vec::new(), HashSet::new());
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode_query(name)?, decode_query(value)?);
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(ApiError::query(&name, &value, "it appears twice"));
            }
            pairs.push((name, value));
        }
        Ok(Query(pairs))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that is `true` or `false`; `false` if it is absent.
    ///
    /// # Errors
    /// `InvalidQueryParameterValue` for anything else.
    pub(crate) fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => value
                .to_ascii_lowercase()
                .parse()
                .map_err(|_| ApiError::query(name, value, "neither true nor false")),
        }
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

impl Call {
    /// # Errors
    /// `InvalidHeaderValue` for an invalid `X-Forwarded-Proto`.
    pub(crate) fn new(parts: Parts, query: Query, body: Bytes) -> Result<Call> {
        Ok(Call {
            path: parts.uri.path().to_owned(),
            query,
            endpoint: endpoint(&parts.headers)?,
            headers: parts.headers,
            body,
        })
    }

    /// Refuses every query parameter that the operation does not know.
    ///
    /// # Errors
    /// `UnsupportedQueryParameter`, which names the parameter.
    pub(crate) fn allow_query(&self, allowed: &[&str]) -> Result<()> {
        let known =
            |name: &str| COMMON.iter().chain(allowed).any(|known| known.eq_ignore_ascii_case(name));
        match self.query.pairs().iter().find(|(name, _)| !known(name)) {
            Some((name, _)) => Err(ApiError::from(Code::UnsupportedQueryParameter)
                .with("QueryParameterName", name.as_str())),
            None => Ok(()),
        }
    }

    /// Returns whether statistics are asked for: the only value of `$expand` is `stats`.
    ///
    /// # Errors
    /// `InvalidQueryParameterValue` for anything else.
    pub(crate) fn expands_statistics(&self) -> Result<bool> {
        match self.query.get("$expand") {
            None => Ok(false),
            Some("stats") => Ok(true),
            Some(other) => Err(ApiError::query("$expand", other, "it must be stats")),
        }
    }

    /// Parses the request model in the body.
    ///
    /// # Errors
    /// `InvalidHeaderValue` for another content type, otherwise the errors of
    /// [`crate::wire::body::read`].
    pub(crate) fn model<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        let given = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        let given = given.unwrap_or("");
        if !is_odata_json(given) {
            let reason = "it must be application/json; odata=minimalmetadata";
            return Err(ApiError::header("Content-Type", given, reason));
        }
        crate::wire::body::read(&self.body)
    }

    /// Parses the request model in the body. Without a body, returns the default.
    ///
    /// # Errors
    /// As [`Call::model`].
    pub(crate) fn optional_model<T: serde::de::DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.is_empty() { Ok(T::default()) } else { self.model() }
    }

    /// Parses the conditional headers.
    ///
    /// # Errors
    /// As [`Conditions::from_headers`].
    pub(crate) fn conditions(&self) -> Result<Conditions> {
        Conditions::from_headers(&self.headers)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Returns the account's URL as the client used it. Behind a proxy, that is the proxy's URL.
pub(super) fn endpoint(headers: &HeaderMap) -> Result<String> {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // With several proxies, the one next to the client comes first.
    let forwarded =
        |name| header(name).map(|list: &str| list.split(',').next().unwrap_or(list).trim());
    let host = forwarded("x-forwarded-host").or(header("host")).unwrap_or("localhost");
    match forwarded("x-forwarded-proto").unwrap_or("http") {
        scheme @ ("http" | "https") => Ok(format!("{scheme}://{host}")),
        other => Err(ApiError::header("X-Forwarded-Proto", other, "it must be http or https")),
    }
}

fn is_odata_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let json = parts.next().is_some_and(|media| media == "application/json");
    let parameters: Vec<String> = parts.collect();
    let metadata = |level| parameters.contains(&format!("odata={level}metadata"));
    json && ["minimal", "no", "full"].into_iter().any(metadata)
}

/// In a query a plus sign is a space, as HTML forms and most client libraries write it.
fn decode_query(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| ApiError::query(text, "", "it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_looked_up_without_case() {
        let query = Query::parse("%24filter=id+eq+%27a%2Bb%27&maxresults=2").unwrap();
        assert_eq!(query.get("$filter"), Some("id eq 'a+b'"));
        assert_eq!(query.get("MaxResults"), Some("2"));
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert!(Query::parse("a=1&A=2").is_err());
    }

    #[test]
    fn only_json_with_odata_is_a_content_type() {
        for good in [
            "application/json; odata=minimalmetadata",
            "application/json;odata=minimalmetadata;charset=utf-8",
        ] {
            assert!(is_odata_json(good), "{good}");
        }
        for bad in ["", "application/json", "text/plain; odata=minimalmetadata"] {
            assert!(!is_odata_json(bad), "{bad}");
        }
    }
}
