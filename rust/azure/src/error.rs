//! The one error of this crate, and the one place that decides what is worth a retry.

use crate::secret::without_signatures;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::Deserialize;
use std::{error::Error as StdError, fmt, time::Duration};
use time::{OffsetDateTime, PrimitiveDateTime};

#[cfg(test)]
mod properties;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, without a secret and without the query of any URL.
///
/// Its text is one line: what was tried and where, the status, the code, the message, the details
/// and the request id that Microsoft's support asks for.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    /// What was tried: "create job 'x' at https://host".
    action: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    details: Vec<(String, String)>,
    request_id: Option<String>,
    retryable: bool,
    unconnected: bool,
    retry_after: Option<Duration>,
    after_an_attempt: bool,
}

/// The sort of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something given to us makes no sense: an endpoint, a key, a connection string, a name.
    Configuration,
    /// No answer: no connection, no TLS, or nothing within the time.
    Unreachable,
    /// The service answered with an error.
    Service,
    /// The service's answer was not understood.
    Protocol,
    /// A file of this machine could not be read or written.
    Local,
}

impl Error {
    fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            action: None,
            status: None,
            code: None,
            message: None,
            details: Vec::new(),
            request_id: None,
            retryable: false,
            unconnected: false,
            retry_after: None,
            after_an_attempt: false,
        }))
    }

    fn with_message(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut error = Self::new(kind);
        error.0.message = Some(one_line(&message.into()));
        error
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::with_message(ErrorKind::Configuration, message)
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::with_message(ErrorKind::Protocol, message)
    }

    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::with_message(ErrorKind::Local, message)
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        let mut error = Self::with_message(ErrorKind::Unreachable, message);
        error.0.retryable = true;
        error
    }

    /// No connection: the name, the way, the port or TLS. Nothing was sent.
    pub(crate) fn unconnected(message: impl Into<String>) -> Self {
        let mut error = Self::unreachable(message);
        error.0.unconnected = true;
        error
    }

    /// From the HTTP client. Its URL is dropped: it may hold a SAS.
    pub(crate) fn from_http(error: reqwest::Error) -> Self {
        let error = error.without_url();
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => Self::unconnected("no connection in time"),
            (true, false) => Self::unconnected(chain(&error)),
            _ if error.is_builder() => Self::configuration(chain(&error)),
            (false, true) => Self::unreachable("no answer in time"),
            (false, false) => Self::unreachable(chain(&error)),
        }
    }

    /// From an answer that is not a success. Understands the JSON of Batch and of Entra ID, and the XML of Blob
    /// Storage; the body may be empty, as for every HEAD.
    ///
    /// [Batch](https://learn.microsoft.com/rest/api/batchservice/batch-status-and-error-codes),
    /// [Blob](https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2),
    /// [Entra ID](https://learn.microsoft.com/entra/identity-platform/reference-error-codes)
    pub(crate) fn from_response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body = Body::parse(body);
        let mut error = Self::new(ErrorKind::Service);
        error.0.status = Some(status.as_u16());
        error.0.code = text_of(headers, "x-ms-error-code").or(body.code);
        error.0.message = body.message.map(|message| one_line(&message));
        error.0.details = body.details;
        error.0.request_id =
            text_of(headers, "request-id").or_else(|| text_of(headers, "x-ms-request-id"));
        error.0.retryable = is_transient(status);
        error.0.retry_after = retry_after(headers, OffsetDateTime::now_utc());
        error
    }

    /// Says what was tried. The first description is kept: it is the most exact.
    pub(crate) fn during(mut self, action: &str) -> Self {
        self.0.action.get_or_insert_with(|| action.to_owned());
        self
    }

    /// Marks that an earlier attempt may have done the work although it was not answered so.
    pub(crate) fn after_an_attempt(mut self, may_have_acted: bool) -> Self {
        self.0.after_an_attempt = may_have_acted;
        self
    }

    /// Makes it one that the same request may not meet after a pause.
    pub(crate) fn passing(mut self, pause: Duration) -> Self {
        self.0.retryable = true;
        self.0.retry_after = Some(pause);
        self
    }

    /// Makes it one that nobody tries again: that was done already.
    pub(crate) fn for_good(mut self) -> Self {
        self.0.retryable = false;
        self
    }

    /// True where an earlier attempt at the same request may have had its effect, although its
    /// answer was lost or an error: `JobExists` then *may* be about the job that it created. A 429
    /// is no exception: Batch has answered it after the job was created.
    #[must_use]
    pub fn may_be_our_own_doing(&self) -> bool {
        self.0.after_an_attempt
    }

    /// True where there was no connection, so that nothing was sent.
    pub(crate) fn is_unconnected(&self) -> bool {
        self.0.unconnected
    }

    /// The wait that the service asked for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What sort of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status, where the service answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's code, `JobExists` or `ContainerNotFound` for example.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// One of the details that Batch gives, `PropertyName` for example.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.0.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The id under which the service logged the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// True where the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// True where the service refused the request because there were too many.
    pub(crate) fn is_throttled(&self) -> bool {
        self.0.status == Some(429)
    }

    /// True where the service says that the thing does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(404)
    }

    /// True where the code is one of these.
    pub(crate) fn has_code(&self, codes: &[&str]) -> bool {
        self.code().is_some_and(|code| codes.iter().any(|known| known.eq_ignore_ascii_case(code)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { action, status, code, message, details, request_id, .. } = &*self.0;
        let mut parts = Vec::new();
        parts.extend(action.as_ref().map(|action| format!("cannot {action}")));
        let answer: Vec<String> =
            status.map(|status| status.to_string()).into_iter().chain(code.clone()).collect();
        parts.extend((!answer.is_empty()).then(|| answer.join(" ")));
        parts.extend(message.clone());
        write!(f, "{}", parts.join(": "))?;
        let details: Vec<_> =
            details.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        if !details.is_empty() {
            write!(f, " ({})", details.join("; "))?;
        }
        request_id.iter().try_for_each(|id| write!(f, " [request id {id}]"))
    }
}

impl StdError for Error {}

/// Worth another try: the service was busy, slow or broken for a moment.
fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Retry-After is a number of seconds or an HTTP date.
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let value = text_of(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = PrimitiveDateTime::parse(value.trim(), crate::http::HTTP_DATE).ok()?.assume_utc();
    Duration::try_from(date - now).ok()
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// An error and its causes. The causes of the HTTP client are short and hold no URL.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The service ends its messages with lines for the request id, which we have, and the time.
fn one_line(message: &str) -> String {
    let end = message.find("\nRequestId:").unwrap_or(message.len());
    let words: Vec<&str> = message[..end].split_whitespace().collect();
    without_signatures(&words.join(" "))
}

/// What the body of an error says.
#[derive(Default)]
struct Body {
    code: Option<String>,
    message: Option<String>,
    details: Vec<(String, String)>,
}

impl Body {
    /// A body that has no known form, a proxy's page say, says nothing of use: the status has to do.
    fn parse(body: &[u8]) -> Self {
        // Nothing of Batch's is required, so the other JSON is tried first.
        serde_json::from_slice::<EntraBody>(body)
            .map(Self::from)
            .or_else(|_| serde_json::from_slice::<BatchBody>(body).map(Self::from))
            .or_else(|_| read_xml(body).map(Self::from))
            .unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct BatchBody {
    code: Option<String>,
    message: Option<BatchMessage>,
    #[serde(default)]
    values: Option<Vec<BatchValue>>,
}

#[derive(Deserialize)]
struct BatchMessage {
    value: Option<String>,
}

#[derive(Deserialize)]
struct BatchValue {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
}

impl From<BatchBody> for Body {
    fn from(body: BatchBody) -> Self {
        let values = body.values.unwrap_or_default();
        Self {
            code: body.code,
            message: body.message.and_then(|message| message.value),
            details: values.iter().map(|v| (v.key.clone(), one_line(&v.value))).collect(),
        }
    }
}

/// The answer of whoever issues tokens, Entra ID or the machine.
#[derive(Deserialize)]
struct EntraBody {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl From<EntraBody> for Body {
    /// The description begins with the code that documents and search engines know, `AADSTS7000215: `, and ends with ids
    /// and the time.
    fn from(body: EntraBody) -> Self {
        let said = one_line(body.error_description.split("Trace ID:").next().unwrap_or_default());
        let known = said.split_once(": ").filter(|(code, _)| code.starts_with("AADSTS"));
        let (code, message) = known.unwrap_or((&body.error, &said));
        Self { code: Some(code.to_owned()), message: Some(message.to_owned()), details: Vec::new() }
    }
}

fn read_xml(body: &[u8]) -> std::result::Result<BlobBody, quick_xml::DeError> {
    quick_xml::de::from_reader(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlobBody {
    code: Option<String>,
    message: Option<String>,
    authentication_error_detail: Option<String>,
}

impl From<BlobBody> for Body {
    fn from(body: BlobBody) -> Self {
        let detail = body.authentication_error_detail;
        Self {
            code: body.code,
            message: body.message,
            details: detail.iter().map(|text| ("Detail".to_owned(), one_line(text))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use time::macros::datetime;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn a_batch_error_reads_as_one_line_with_everything_in_it() {
        let body = br#"{"odata.metadata":"x","code":"InvalidPropertyValue","message":{"lang":"en-US",
            "value":"The value is bad.\nRequestId:abc\nTime:2026"},
            "values":[{"key":"PropertyName","value":"id"},{"key":"Url","value":"https://h/c?sig=canary"}]}"#;
        let headers = headers(&[("request-id", "r-1")]);
        let error = Error::from_response(StatusCode::BAD_REQUEST, &headers, body)
            .during("create job 'j' at https://host");
        assert_eq!(
            error.to_string(),
            "cannot create job 'j' at https://host: 400 InvalidPropertyValue: The value is bad. \
             (PropertyName: id; Url: https://h/c?sig=***) [request id r-1]"
        );
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Service, false));
    }

    #[test]
    fn an_error_of_entra_id_has_the_code_that_is_documented() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: a\r\nCorrelation ID: b\r\nTimestamp: c","error_codes":[7000215]}"#;
        let error = Error::from_response(StatusCode::UNAUTHORIZED, &HeaderMap::new(), body);
        assert_eq!(error.to_string(), "401 AADSTS7000215: Invalid client secret provided.");
        let body = br#"{"error":"invalid_request","error_description":"Identity not found"}"#;
        let error = Error::from_response(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
        assert_eq!(error.to_string(), "400 invalid_request: Identity not found");
    }

    #[test]
    fn a_blob_error_is_read_from_its_xml() {
        let body = b"\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error>\
            <Code>ContainerNotFound</Code><Message>It does not exist.\nRequestId:abc\nTime:x</Message></Error>";
        let headers = headers(&[("x-ms-request-id", "r-2")]);
        let error = Error::from_response(StatusCode::NOT_FOUND, &headers, body);
        assert_eq!(error.to_string(), "404 ContainerNotFound: It does not exist. [request id r-2]");
        assert!(error.is_not_found());
    }

    #[test]
    fn an_error_without_a_body_takes_its_code_from_the_header() {
        let headers = headers(&[("x-ms-error-code", "BlobNotFound")]);
        let error = Error::from_response(StatusCode::NOT_FOUND, &headers, b"");
        assert_eq!(error.code(), Some("BlobNotFound"));
        let page = Error::from_response(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"<html><p>no");
        assert_eq!((page.to_string().as_str(), page.is_retryable()), ("502", true));
    }

    #[test]
    fn transient_statuses_are_retryable_and_no_others() {
        let retryable: Vec<u16> = (400..600)
            .filter(|status| is_transient(StatusCode::from_u16(*status).unwrap()))
            .collect();
        assert_eq!(retryable, [408, 429, 500, 502, 503, 504]);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = datetime!(2026-11-22 17:00:00 UTC);
        let wait = |value| retry_after(&headers(&[("retry-after", value)]), now);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 22 Nov 2026 17:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 22 Nov 2026 16:00:00 GMT"), None);
        assert_eq!(wait("soon"), None);
    }
}
