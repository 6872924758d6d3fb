//! How the requests of `azure_storage_blobs` travel: over our client, with our errors.

use crate::Error;
use async_trait::async_trait;
use azure_core::{Body, BytesStream, HttpClient, Request, Response, error::ErrorKind, headers};
use bytes::Bytes;
use reqwest::{Method, StatusCode, header::HeaderMap};
use std::{collections::HashMap, time::Duration};
use url::Url;

/// For one block of 8 MiB and its answer: 70 KiB a second. Nothing hangs for ever.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Sends a request once. The whole body is read here, so that a connection that breaks within it
/// is an error of this attempt; no body is longer than one range of a blob.
#[derive(Clone, Debug)]
pub(crate) struct Transport(pub(crate) reqwest::Client);

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<Response> {
        let request = self.to_reqwest(request).map_err(into_azure)?;
        let answer = send(request).await.map_err(into_azure)?;
        let status = to_status(answer.status).map_err(into_azure)?;
        let body = Box::pin(BytesStream::new(answer.body));
        Ok(Response::new(status, to_headers(&answer.headers), body))
    }
}

/// An answer that is a success.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Transport {
    /// Reads a URL that carries its right to be read.
    pub(crate) async fn get(
        &self,
        url: Url,
        headers: HeaderMap,
        _limit: u64,
    ) -> crate::Result<Answer> {
        send(self.0.get(url).headers(headers).timeout(REQUEST_TIMEOUT)).await
    }

    fn to_reqwest(&self, request: &Request) -> crate::Result<reqwest::RequestBuilder> {
        let method = Method::from_bytes(request.method().as_ref().as_bytes())
            .map_err(|error| Error::protocol(error.to_string()))?;
        let Body::Bytes(body) = request.body().clone() else {
            return Err(Error::protocol("a streamed body cannot be sent twice"));
        };
        let mut builder = self.0.request(method, request.url().clone()).timeout(REQUEST_TIMEOUT);
        for (name, value) in request.headers().iter() {
            builder = builder.header(name.as_str(), value.as_str());
        }
        Ok(if body.is_empty() { builder } else { builder.body(body) })
    }
}

async fn send(request: reqwest::RequestBuilder) -> crate::Result<Answer> {
    let response = request.send().await.map_err(Error::from_http)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(Error::from_http)?;
    if !status.is_success() {
        return Err(Error::from_response(status, &headers, &body));
    }
    Ok(Answer { status, headers, body })
}

fn to_status(status: StatusCode) -> crate::Result<azure_core::StatusCode> {
    azure_core::StatusCode::try_from(status.as_u16())
        .map_err(|_| Error::protocol(format!("unknown status {status}")))
}

fn to_headers(map: &HeaderMap) -> headers::Headers {
    let pairs = map.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?.to_owned();
        Some((name.as_str().to_owned().into(), value.into()))
    });
    pairs.collect::<HashMap<_, _>>().into()
}

fn into_azure(error: Error) -> azure_core::Error {
    azure_core::Error::new(ErrorKind::Other, error)
}

/// Our own error comes back as it was; all others are about answers that were not understood.
/// Only their first line is kept: the rest may be the answer.
pub(crate) fn from_azure(error: azure_core::Error) -> Error {
    error.into_downcast::<Error>().unwrap_or_else(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        Error::protocol(format!("the answer was not understood: {line}"))
    })
}
