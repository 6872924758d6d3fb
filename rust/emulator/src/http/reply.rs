//! Answers.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::insert;
use crate::error::{ApiError, Code};
use crate::store::stamp::Stamp;
use crate::wire::time::{http_date, instant};

const JSON: &str = "application/json;odata=minimalmetadata";

/// An answer on its way out.
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Reply {
        Reply { status, headers: HeaderMap::new(), body: Body::empty() }
    }

    /// An answer with a JSON body.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Reply {
        let mut reply = Reply::empty(status);
        reply.body = Body::from(body.to_string());
        reply.header("content-type", JSON)
    }

    /// A resource as JSON, with the metadata of its kind (`jobs/@Element`, say).
    pub(crate) fn resource(mut shown: Map<String, Value>, endpoint: &str, kind: &str) -> Reply {
        shown.insert("odata.metadata".into(), json!(format!("{endpoint}/$metadata#{kind}")));
        Reply::json(StatusCode::OK, &Value::Object(shown))
    }

    /// An answer with a body of its own.
    pub(crate) fn body(mut self, body: Body) -> Reply {
        self.body = body;
        self
    }

    /// With one more header; a value that no header can hold is left out.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Reply {
        insert(&mut self.headers, name, value);
        self
    }

    /// With the version of the resource.
    pub(crate) fn stamped(self, stamp: &Stamp) -> Reply {
        self.header("etag", &stamp.etag).header("last-modified", &http_date(stamp.last_modified))
    }

    /// With the URL that the answer is about.
    pub(crate) fn service_id(self, url: &str) -> Reply {
        self.header("dataserviceid", url)
    }

    /// The error body of the service; 304 has none.
    pub(crate) fn error(error: &ApiError, request_id: &str, now: OffsetDateTime) -> Reply {
        if error.code == Code::NotModified {
            return Reply::empty(error.code.status());
        }
        let (message, now) = (error.code.message(), instant(now));
        let text = format!("{message}\nRequestId:{request_id}\nTime:{now}");
        let mut body = error_body(error, &text);
        body["odata.metadata"] =
            json!("$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element");
        Reply::json(error.code.status(), &body)
    }

    /// The HTTP response; the answer to a HEAD has no body.
    pub(crate) fn into_response(self, head: bool) -> Response {
        let body = if head { Body::empty() } else { self.body };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// An error as a part of an answer. The service leaves `values` out where there are none.
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
