//! How the requests of `azure_storage_blobs` travel: over our client, with our errors.

use crate::Error;
use async_trait::async_trait;
use azure_core::{
    Body, BytesStream, Context, HttpClient, Policy, PolicyResult, Request, Response, StatusCode,
    error::ErrorKind, headers,
};
use bytes::Bytes;
use reqwest::{Method, header::HeaderMap};
use std::{collections::HashMap, sync::Arc, time::Duration};
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
        let response = send(request).await.map_err(into_azure)?;
        let body = Box::pin(BytesStream::new(response.body));
        Ok(Response::new(response.status, to_headers(&response.headers), body))
    }
}

struct Success {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Transport {
    /// Reads a URL that carries its right to be read.
    pub(crate) async fn get(&self, url: Url) -> crate::Result<Bytes> {
        let request = self.0.get(url).timeout(REQUEST_TIMEOUT);
        send(request).await.map(|success| success.body)
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

async fn send(request: reqwest::RequestBuilder) -> crate::Result<Success> {
    let response = request.send().await.map_err(Error::from_http)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(Error::from_http)?;
    if !status.is_success() {
        return Err(Error::from_response(status, &headers, &body));
    }
    let status = StatusCode::try_from(status.as_u16())
        .map_err(|_| Error::protocol(format!("unknown status {status}")))?;
    Ok(Success { status, headers, body })
}

/// Without those that the crate cannot read when their value is new.
fn to_headers(map: &HeaderMap) -> headers::Headers {
    let known = map.iter().filter(|(name, _)| *name != "x-ms-access-tier");
    let pairs = known.filter_map(|(name, value)| {
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

/// Drops the request for a checksum that the crate adds to every range under 4 MiB: Azurite
/// refuses it, and TLS makes it needless. Runs before the request is signed.
#[derive(Debug)]
pub(crate) struct NoRangeChecksum;

#[async_trait]
impl Policy for NoRangeChecksum {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let mut plain = Request::new(request.url().clone(), *request.method());
        for (name, value) in request.headers().iter() {
            if *name != headers::RANGE_GET_CONTENT_CRC64 {
                plain.insert_header(name.clone(), value.clone());
            }
        }
        plain.set_body(request.body().clone());
        match next {
            [policy, rest @ ..] => policy.send(context, &mut plain, rest).await,
            [] => Err(into_azure(Error::protocol("no transport"))),
        }
    }
}
