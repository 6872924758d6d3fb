//! Responses, with the headers that all of them have.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use time::OffsetDateTime;
use uuid::Uuid;

use super::call::endpoint;
use super::insert;
use super::reply::Reply;
use crate::error::Result;
use crate::wire::time::http_date;

/// Headers that every answer of the service has.
const ALWAYS: [(&str, &str); 3] = [
    ("server", "Microsoft-HTTPAPI/2.0"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
];

/// The parts of a request that its response depends on.
pub(super) struct RequestContext {
    /// When it arrived, by the service's clock.
    arrived: OffsetDateTime,
    request_id: String,
    /// The account's URL as the client used it.
    endpoint: String,
    /// The client's request id, if the client asked for it to be returned.
    echo: Option<String>,
    /// Whether this is a HEAD request, whose response has no body.
    head: bool,
}

/// The response, and what the request record says about it.
pub(super) struct Answer {
    /// `None` closes the connection without a response.
    pub(super) response: Option<Response>,
    /// The HTTP status; 0 if the request was not carried out.
    pub(super) status: u16,
    /// The error code, if it is an error.
    pub(super) code: Option<String>,
}

/// Marks a response that is not sent: the connection is closed instead.
#[derive(Clone)]
pub(super) struct Dropped;

impl RequestContext {
    pub(super) fn of(request: &Request, arrived: OffsetDateTime) -> RequestContext {
        RequestContext {
            arrived,
            request_id: Uuid::new_v4().to_string(),
            endpoint: endpoint(request.headers()).unwrap_or_default(),
            echo: echo(request.headers()),
            head: request.method() == Method::HEAD,
        }
    }

    /// Returns the response to this request.
    pub(super) fn answer(&self, result: Result<Reply>) -> Answer {
        let code = result.as_ref().err().map(|error| error.code.name());
        let reply = result.unwrap_or_else(|error| {
            Reply::error(&error, &self.endpoint, &self.request_id, self.arrived)
        });
        let mut response = reply.into_response(self.head);
        let headers = response.headers_mut();
        insert(headers, "date", &http_date(self.arrived));
        insert(headers, "request-id", &self.request_id);
        insert(headers, "dataserviceversion", "3.0");
        for (name, value) in ALWAYS {
            insert(headers, name, value);
        }
        if let Some(id) = &self.echo {
            insert(headers, "client-request-id", id);
        }
        Answer::new(response, code)
    }
}

fn echo(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let wanted =
        text("return-client-request-id").is_some_and(|echo| echo.eq_ignore_ascii_case("true"));
    text("client-request-id").filter(|_| wanted).map(str::to_owned)
}

impl Answer {
    /// Returns a response, with the error for the request record.
    pub(super) fn new(response: Response, code: Option<String>) -> Answer {
        Answer { status: response.status().as_u16(), response: Some(response), code }
    }

    /// Returns no response, for a request that was not carried out.
    pub(super) fn none() -> Answer {
        Answer { response: None, status: 0, code: None }
    }

    /// Drops the response of a request that was carried out.
    pub(super) fn dropped(self) -> Answer {
        Answer { response: None, ..self }
    }

    pub(super) fn into_response(self) -> Response {
        self.response.unwrap_or_else(|| {
            let mut response = Response::default();
            response.extensions_mut().insert(Dropped);
            response
        })
    }
}
