//! How the requests of `azure_storage_blobs` travel: over our client, with our errors.

pub(crate) use crate::exchange::Answer;

use super::access::Own;
use crate::{
    Error,
    exchange::{Incoming, MAX_DOCUMENT, Wanted, begin, exchange},
    pace::Pace,
};
use async_trait::async_trait;
use azure_core::{Body, BytesStream, HttpClient, Request, Response, error::ErrorKind, headers};
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use std::{collections::HashMap, sync::mpsc};

/// The answers to the storage crate's requests have no body, or a short one that nobody reads.
const MAX_BODY: u64 = 64 * 1024;

/// Sends a request once. The whole body is read here, so that a connection that breaks within it
/// is an error of this attempt.
#[derive(Clone, Debug)]
pub(crate) struct Transport(pub(crate) reqwest::Client);

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<Response> {
        let answer = self.send(request).await.map_err(into_azure)?;
        let status = to_status(answer.status).map_err(into_azure)?;
        let body = Box::pin(BytesStream::new(answer.body));
        Ok(Response::new(status, to_headers(&answer.headers), body))
    }
}

impl Transport {
    /// Reads what is there. A body of more than `limit` bytes is refused.
    pub(crate) async fn get(&self, own: Own, limit: u64) -> crate::Result<Answer> {
        self.open(own).await?.read(Wanted::AtMost(limit)).await
    }

    /// The same, and leaves the body to be read.
    pub(crate) async fn open(&self, Own { url, headers }: Own) -> crate::Result<Incoming> {
        let request = self.0.get(url).headers(headers).build().map_err(Error::from_http)?;
        let pace = Pace::new();
        begin(&self.0, request, 0, pace.slices(Bytes::new()), &pace).await
    }

    /// Sends a body. An error of whoever makes the body is the error.
    pub(crate) async fn put<S>(
        &self,
        Own { url, headers }: Own,
        length: u64,
        body: impl FnOnce(Pace) -> S,
    ) -> crate::Result<()>
    where
        S: Stream<Item = crate::Result<Bytes>> + Send + 'static,
    {
        let request = self.0.put(url).headers(headers).build().map_err(Error::from_http)?;
        let (pace, (tell, told)) = (Pace::new(), mpsc::channel());
        // The HTTP client makes a text of an error that it is given.
        let body = body(pace.clone()).map_err(move |error| {
            let text = error.to_string();
            let _ = tell.send(error);
            text
        });
        let answer = begin(&self.0, request, length, body, &pace).await;
        if let Ok(error) = told.try_recv() {
            return Err(error);
        }
        answer?.read(Wanted::AtMost(MAX_BODY)).await.map(drop)
    }

    /// Sends a document.
    pub(crate) async fn post(
        &self,
        Own { url, headers }: Own,
        kind: &str,
        body: Bytes,
    ) -> crate::Result<Answer> {
        let request = self.0.post(url).headers(headers).header(CONTENT_TYPE, kind).build();
        let request = request.map_err(Error::from_http)?;
        exchange(&self.0, request, body, Wanted::AtMost(MAX_DOCUMENT)).await
    }

    async fn send(&self, request: &Request) -> crate::Result<Answer> {
        let method = Method::from_bytes(request.method().as_ref().as_bytes())
            .map_err(|error| Error::protocol(error.to_string()))?;
        let Body::Bytes(body) = request.body().clone() else {
            return Err(Error::protocol("a streamed body cannot be sent twice"));
        };
        let mut builder = self.0.request(method, request.url().clone());
        for (name, value) in request.headers().iter() {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let request = builder.build().map_err(Error::from_http)?;
        exchange(&self.0, request, body, Wanted::AtMost(MAX_BODY)).await
    }
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

pub(crate) fn into_azure(error: Error) -> azure_core::Error {
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
