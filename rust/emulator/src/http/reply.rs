//! The responses of operations.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::future::ready;
use futures::stream::once;
use hyper::ext::ReasonPhrase;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::insert;
use crate::error::{ApiError, Code};
use crate::store::resource::ResourceVersion;
use crate::wire::time::{http_date, precise_instant};

const JSON: &str = "application/json; odata=minimalmetadata";

/// The metadata of an error.
const ERROR: &str = "$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element";

/// A response in the making.
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    /// The length of a body that is sent in chunks.
    chunked: Option<BodyLength>,
    /// The reason phrase, if it is not that of the status: the message of an error.
    reason: Option<ReasonPhrase>,
}

/// The length of a body that is sent in chunks, without a `Content-Length`.
#[derive(Clone, Copy)]
pub(super) struct BodyLength(pub(super) u64);

impl Reply {
    /// Returns a response without a body.
    pub(crate) fn empty(status: StatusCode) -> Reply {
        let (headers, body) = (HeaderMap::new(), Body::empty());
        Reply { status, headers, body, chunked: None, reason: None }
    }

    /// Returns a response with a JSON body: in chunks, unless it is an error.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Reply {
        let text = body.to_string();
        let mut reply = Reply::empty(status).header("content-type", JSON);
        if status.is_success() {
            let length = text.len() as u64;
            return reply.chunks(Body::from_stream(once(ready(Ok::<_, Infallible>(text)))), length);
        }
        reply.body = Body::from(text);
        reply
    }

    /// Returns a resource as JSON, with the metadata of its kind (`jobs/@Element`, for example).
    pub(crate) fn resource(
        mut properties: Map<String, Value>,
        endpoint: &str,
        kind: &str,
    ) -> Reply {
        properties.insert("odata.metadata".into(), json!(format!("{endpoint}/$metadata#{kind}")));
        Reply::json(StatusCode::OK, &Value::Object(properties))
    }

    /// Sets a body that is sent in chunks, which are this long together.
    pub(crate) fn chunks(mut self, body: Body, length: u64) -> Reply {
        self.body = body;
        self.chunked = Some(BodyLength(length));
        self
    }

    /// Adds a header, unless the value is not valid in a header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Reply {
        insert(&mut self.headers, name, value);
        self
    }

    /// Adds the headers of the resource's version.
    pub(crate) fn version(self, version: &ResourceVersion) -> Reply {
        self.header("etag", &version.etag)
            .header("last-modified", &http_date(version.last_modified))
    }

    /// Adds the URL of a new resource.
    pub(crate) fn location(self, url: &str) -> Reply {
        self.header("location", url).service_id(url)
    }

    /// Adds the URL of the resource.
    pub(crate) fn service_id(self, url: &str) -> Reply {
        self.header("dataserviceid", url)
    }

    /// Returns an error response; 304 has no body.
    pub(super) fn error(
        error: &ApiError,
        endpoint: &str,
        request_id: &str,
        now: OffsetDateTime,
    ) -> Reply {
        if error.code == Code::NotModified {
            return Reply::empty(error.code.status());
        }
        let (message, now) = (error.code.message(), precise_instant(now));
        let text = format!("{message}\nRequestId:{request_id}\nTime:{now}");
        let mut body = error_body(error, &text);
        body["odata.metadata"] = json!(format!("{endpoint}/{ERROR}"));
        let mut reply = Reply::json(error.code.status(), &body);
        reply.reason = ReasonPhrase::try_from(message.as_bytes()).ok();
        reply
    }

    /// Returns the HTTP response; the response to a HEAD request has no body.
    pub(crate) fn into_response(self, head: bool) -> Response {
        let body = if head { Body::empty() } else { self.body };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if let Some(length) = self.chunked {
            response.extensions_mut().insert(length);
        }
        if let Some(reason) = self.reason {
            response.extensions_mut().insert(reason);
        }
        response
    }
}

/// Returns the JSON of an error. The service omits `values` if there are none.
pub(crate) fn error_body(error: &ApiError, text: &str) -> Value {
    let values = error.values.iter().map(|(key, value)| json!({"key": key, "value": value}));
    let mut body = json!({
        "code": error.code.name(),
        "message": {"lang": "en-US", "value": text},
    });
    if !error.values.is_empty() {
        body["values"] = values.collect();
    }
    body
}
