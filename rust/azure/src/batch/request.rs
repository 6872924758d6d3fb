//! One REST call as a value: made without a network, sent by the client.

use super::{credential::Credential, signing::Signed};
use crate::{Error, Result, encode, http::http_date};
use bytes::Bytes;
use reqwest::{Method, header};
use serde::Serialize;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

/// [Versions](https://learn.microsoft.com/rest/api/batchservice/batch-service-rest-api-versioning)
pub(crate) const API_VERSION: &str = "2025-06-01";

const JSON: &str = "application/json; odata=minimalmetadata";

/// A REST call, not yet dated and signed.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// What is tried and where, for errors.
    pub(crate) action: String,
    pub(crate) body: Option<Bytes>,
    /// First and last byte wanted.
    pub(crate) range: Option<(u64, u64)>,
    /// It does not wait for its turn: it ends something, or saves other requests.
    pub(crate) urgent: bool,
}

impl Request {
    /// A call of `path`, whose parts are encoded already, under the account's endpoint.
    pub(crate) fn new(method: Method, endpoint: &Url, path: &str, action: &str) -> Self {
        let mut url = endpoint.clone();
        url.set_path(path);
        url.query_pairs_mut().append_pair("api-version", API_VERSION);
        let place = endpoint.as_str().trim_end_matches('/');
        Self {
            method,
            url,
            action: format!("{action} at {place}"),
            body: None,
            range: None,
            urgent: false,
        }
    }

    pub(crate) fn get(endpoint: &Url, path: &str, action: &str) -> Self {
        Self::new(Method::GET, endpoint, path, action)
    }

    /// Adds a parameter. A space becomes `%20`: `+` means one only to some services.
    pub(crate) fn with_query(mut self, name: &str, value: &str) -> Self {
        let query = self.url.query().unwrap_or_default();
        let query = format!("{query}&{name}={}", encode::segment(value));
        self.url.set_query(Some(&query));
        self
    }

    pub(crate) fn urgently(self) -> Self {
        Self { urgent: true, ..self }
    }

    pub(crate) fn with_range(mut self, first: u64, last: u64) -> Self {
        self.range = Some((first, last));
        self
    }

    pub(crate) fn with_json(mut self, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::protocol(error.to_string()).during(&self.action))?;
        self.body = Some(body.into());
        Ok(self)
    }

    /// Dates and signs the call, for one attempt; its body is sent with it. GET and HEAD send no length, all others do,
    /// also a length of 0, and the length is signed as it is sent.
    pub(crate) async fn sign(
        &self,
        http: &reqwest::Client,
        credential: &Credential,
        now: OffsetDateTime,
    ) -> Result<reqwest::Request> {
        let headers = self.ocp_headers(now)?;
        let has_length = !matches!(self.method, Method::GET | Method::HEAD);
        let signed = Signed {
            method: &self.method,
            url: &self.url,
            content_length: has_length.then(|| self.body.as_ref().map_or(0, Bytes::len)),
            content_type: self.body.as_ref().map(|_| JSON),
            headers: &headers,
        };
        let mut request = http
            .request(self.method.clone(), self.url.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, credential.authorize(&signed).await?)
            .header("client-request-id", Uuid::new_v4().to_string());
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        if let Some(length) = signed.content_length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        if let Some(content_type) = signed.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        request.build().map_err(Error::from_http)
    }

    fn ocp_headers(&self, now: OffsetDateTime) -> Result<Vec<(&'static str, String)>> {
        let mut headers = vec![("ocp-date", http_date(now)?)];
        if let Some((first, last)) = self.range {
            headers.push(("ocp-range", format!("bytes={first}-{last}")));
        }
        Ok(headers)
    }
}

/// The path of a job.
pub(crate) fn job_path(job: &str) -> String {
    format!("/jobs/{}", encode::segment(job))
}

/// The path of a Batch task.
pub(crate) fn task_path(job: &str, task: &str) -> String {
    format!("{}/tasks/{}", job_path(job), encode::segment(task))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedKey;
    use futures::FutureExt;
    use time::macros::datetime;

    fn signed(request: &Request) -> reqwest::Request {
        let key = Credential::SharedKey(SharedKey::new("acct", "a2V5").unwrap());
        let (http, now) = (reqwest::Client::new(), datetime!(2026-11-22 17:10:00 UTC));
        // A key asks nobody.
        request.sign(&http, &key, now).now_or_never().unwrap().unwrap()
    }

    fn endpoint() -> Url {
        Url::parse("https://acct.r.batch.azure.com").unwrap()
    }

    #[test]
    fn a_get_has_date_signature_and_id_but_no_length() {
        let request = Request::get(&endpoint(), "/jobs/a%20b", "get job 'a b'").with_range(3, 9);
        let sent = signed(&request);
        assert_eq!(
            sent.url().as_str(),
            "https://acct.r.batch.azure.com/jobs/a%20b?api-version=2025-06-01"
        );
        assert_eq!(sent.headers()["ocp-date"], "Sun, 22 Nov 2026 17:10:00 GMT");
        assert_eq!(sent.headers()["ocp-range"], "bytes=3-9");
        let authorization = sent.headers()["authorization"].to_str().unwrap();
        assert!(authorization.starts_with("SharedKey acct:"), "{authorization}");
        assert!(sent.headers().contains_key("client-request-id"));
        assert!(!sent.headers().contains_key("content-length"));
        assert_eq!(request.action, "get job 'a b' at https://acct.r.batch.azure.com");
    }

    #[test]
    fn a_call_that_is_not_a_read_says_its_length() {
        let bare = Request::new(Method::DELETE, &endpoint(), "/jobs/j", "delete job 'j'");
        let sent = signed(&bare);
        assert_eq!(sent.headers()["content-length"], "0");
        assert!(!sent.headers().contains_key("content-type"));
        let sent = signed(&bare.with_json(&[1, 2]).unwrap());
        assert_eq!(sent.headers()["content-length"], "5");
        assert_eq!(sent.headers()["content-type"], JSON);
    }
}
