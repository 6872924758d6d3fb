//! Why no token is issued, in Entra's words.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;
use uuid::Uuid;

const TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");

/// An error of the token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    pub(crate) status: u16,
    /// The error of OAuth 2.0.
    error: &'static str,
    message: String,
}

impl Refusal {
    /// Returns a 400 for a request that cannot be understood or fulfilled.
    pub(super) fn request(code: u32, error: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, status: 400, error, message: message.into() }
    }

    /// Returns a 401 for a client that does not prove who it is.
    pub(super) fn client(code: u32, message: impl Into<String>) -> Refusal {
        Refusal { code, status: 401, error: "invalid_client", message: message.into() }
    }

    /// Returns the error of an issuer that is overloaded or broken.
    pub(crate) fn transient(status: u16) -> Refusal {
        let message = "A transient error has occurred. Please try again.".to_owned();
        Refusal { code: 90033, status, error: "temporarily_unavailable", message }
    }

    pub(super) fn missing(parameter: &str) -> Refusal {
        let message =
            format!("The request body must contain the following parameter: '{parameter}'.");
        Refusal::request(900144, "invalid_request", message)
    }

    /// Returns the name of the error for the request record.
    pub(crate) fn name(&self) -> String {
        format!("AADSTS{}", self.code)
    }

    /// Returns the body of the response. The correlation id is the client's, if it sent one.
    pub(crate) fn body(&self, correlation_id: Option<&str>, now: OffsetDateTime) -> Value {
        let time = now.format(TIME).unwrap_or_default();
        let trace = Uuid::new_v4().to_string();
        let correlation = correlation_id.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let description = format!(
            "{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}",
            self.name(),
            self.message
        );
        json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        })
    }
}
