//! An answer as bytes, so that it can be broken at any of them.

use reqwest::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::http1::Received;

/// The services' answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// Sends the request on to where it wants to go. None: nobody is there.
    pub(crate) async fn fetch(upstream: &reqwest::Client, request: &Received) -> Option<Self> {
        let method = Method::from_bytes(request.method.as_bytes()).unwrap();
        let url = Url::parse(&request.target).unwrap();
        let headers = HeaderMap::try_from(&request.headers).unwrap();
        let sent = upstream.request(method, url).headers(headers).body(request.body.clone()).send();
        let answer = sent.await.ok()?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.ok()?.to_vec();
        headers.remove(CONNECTION);
        headers.remove(TRANSFER_ENCODING);
        // The length of an answer to HEAD is that of a body which is not there.
        if request.method != "HEAD" {
            headers.insert(CONTENT_LENGTH, body.len().into());
        }
        Some(Self { status, headers, body })
    }

    pub(crate) fn empty(status: u16, headers: &[(&'static str, &str)]) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = headers.iter().chain(&[("content-length", "0")]);
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Self { status, headers: headers.collect(), body: Vec::new() }
    }

    /// An error of Batch, as a service of another mind would answer it.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = serde_json::json!({"code": code, "message": {"value": "Said by the gate."}});
        let (body, mut answer) = (body.to_string().into_bytes(), Self::empty(status, &[]));
        answer.headers.insert(CONTENT_LENGTH, body.len().into());
        Self { body, ..answer }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// Half of the body, or of the head where there is no body.
    pub(crate) fn to_half(&self) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        let cut = if self.body.is_empty() { bytes.len() } else { self.body.len() } / 2;
        bytes.truncate(bytes.len() - cut.max(1));
        bytes
    }
}
