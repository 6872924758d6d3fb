//! The answer to a request, with what all answers have in common.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use time::OffsetDateTime;
use uuid::Uuid;

use super::insert;
use super::reply::Reply;
use crate::error::Result;
use crate::wire::time::http_date;

/// What an answer needs to know of its request.
pub(super) struct Caller {
    /// When it arrived, by the clock of the service.
    arrived: OffsetDateTime,
    request_id: String,
    /// The client's own id, if it wants it back.
    echo: Option<String>,
    /// Whether only the headers are wanted.
    head: bool,
}

/// What is sent back, and what is written down about it.
pub(super) struct Answer {
    /// Without one the connection is closed instead.
    pub(super) response: Option<Response>,
    /// The HTTP status; 0 if there is no answer at all.
    pub(super) status: u16,
    /// The error code, if it is an error.
    pub(super) code: Option<String>,
}

/// Marks a response instead of which the connection is closed.
#[derive(Clone)]
pub(super) struct Dropped;

impl Caller {
    pub(super) fn of(request: &Request, arrived: OffsetDateTime) -> Caller {
        Caller {
            arrived,
            request_id: Uuid::new_v4().to_string(),
            echo: echo(request.headers()),
            head: request.method() == Method::HEAD,
        }
    }

    /// The answer to this caller.
    pub(super) fn answer(&self, result: Result<Reply>) -> Answer {
        let code = result.as_ref().err().map(|error| error.code.name());
        let reply =
            result.unwrap_or_else(|error| Reply::error(&error, &self.request_id, self.arrived));
        let mut response = reply.into_response(self.head);
        let headers = response.headers_mut();
        insert(headers, "date", &http_date(self.arrived));
        insert(headers, "request-id", &self.request_id);
        insert(headers, "dataserviceversion", "3.0");
        if let Some(id) = &self.echo {
            insert(headers, "client-request-id", id);
        }
        Answer { status: response.status().as_u16(), response: Some(response), code }
    }
}

fn echo(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let wanted =
        text("return-client-request-id").is_some_and(|echo| echo.eq_ignore_ascii_case("true"));
    text("client-request-id").filter(|_| wanted).map(str::to_owned)
}

impl Answer {
    /// No answer to a request that was not carried out.
    pub(super) fn none() -> Answer {
        Answer { response: None, status: 0, code: None }
    }

    /// No answer to a request that was carried out.
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
