//! The way of azure_identity's requests: over the client that all others take, and once each. Whether one is made again
//! is decided where its error is understood: here.

use super::{cloud::Authority, machine};
use crate::{Error, error};
use async_trait::async_trait;
use azure_core_1::{
    credentials::{AccessToken, TokenCredential},
    error::{Error as TheirError, ErrorKind, Result},
    http::{
        AsyncRawResponse, Body, ClientOptions, HttpClient, Request, RetryOptions,
        Transport as TheirTransport, headers::Headers,
    },
};
use bytes::{Bytes, BytesMut};
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use url::Url;

/// An issuer that has not answered by then is down.
const ANSWER: Duration = Duration::from_secs(20);

/// Most bytes of an answer. A token takes a few thousand.
const LONGEST: usize = 256 * 1024;

/// How one request for a token travels.
#[derive(Clone)]
pub(super) struct Transport {
    http: reqwest::Client,
    /// Where requests to a virtual machine's own address go.
    imds: Option<Url>,
    /// What became of it, in the terms of this crate: azure_identity would make one text of all that goes wrong.
    failure: Arc<Mutex<Option<Error>>>,
}

impl Transport {
    pub(super) fn new(http: reqwest::Client, imds: Option<Url>) -> Self {
        Self { http, imds, failure: Arc::default() }
    }

    /// How azure_identity's credentials send.
    pub(super) fn options(&self, authority: &Authority) -> ClientOptions {
        ClientOptions { cloud: Some(Arc::new(authority.configuration())), ..self.local_options() }
    }

    /// The same, where no authority is asked.
    pub(super) fn local_options(&self) -> ClientOptions {
        ClientOptions {
            transport: Some(TheirTransport::new(Arc::new(self.clone()))),
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        }
    }

    /// Asks for a token by a credential of azure_identity.
    pub(super) async fn ask(
        &self,
        credential: Result<Arc<impl TokenCredential>>,
        scope: &str,
    ) -> error::Result<AccessToken> {
        let credential = credential.map_err(|error| self.explain(&error))?;
        let token = credential.get_token(&[scope], None).await;
        token.map_err(|error| self.explain(&error))
    }

    /// What went wrong: what is known here, or else what azure_identity says.
    fn explain(&self, theirs: &TheirError) -> Error {
        let ours = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        ours.unwrap_or_else(|| {
            let text = theirs.to_string();
            let line = text.lines().next().unwrap_or_default();
            Error::protocol(format!("the answer was not understood: {line}"))
        })
    }

    /// Whether anything answers there in this time, with whatever status.
    pub(super) async fn reach(&self, url: Url, time: Duration) -> error::Result<()> {
        self.http.get(url).timeout(time).send().await.map(drop).map_err(Error::from_http)
    }

    /// Asks a machine's own service, and returns what it says before it gives anything.
    pub(super) async fn challenge(&self, url: Url) -> error::Result<(StatusCode, HeaderMap)> {
        let sent = self.http.get(url).header("metadata", "true").timeout(ANSWER).send().await;
        let mut answer = sent.map_err(Error::from_http)?;
        Ok((answer.status(), std::mem::take(answer.headers_mut())))
    }

    /// Asks it again, with this header.
    pub(super) async fn get(
        &self,
        url: Url,
        (name, value): (HeaderName, HeaderValue),
    ) -> error::Result<Bytes> {
        let sent = self.http.get(url).header("metadata", "true").header(name, value);
        let mut answer = sent.timeout(ANSWER).send().await.map_err(Error::from_http)?;
        let body = read(&mut answer).await?;
        match answer.status().is_success() {
            true => Ok(body),
            false => Err(Error::from_response(answer.status(), answer.headers(), &body)),
        }
    }

    /// azure_identity knows but one address of the machine.
    fn moved(&self, url: &Url) -> Url {
        match &self.imds {
            Some(imds) if url.as_str().starts_with(machine::IMDS) => {
                let mut moved = imds.clone();
                moved.set_path(url.path());
                moved.set_query(url.query());
                moved
            }
            _ => url.clone(),
        }
    }

    async fn send(&self, request: &Request) -> error::Result<(u16, Headers, Bytes)> {
        let method = request.method().as_str().parse();
        let method: reqwest::Method = method.map_err(|_| Error::protocol("an unknown method"))?;
        let mut sent = self.http.request(method, self.moved(request.url())).timeout(ANSWER);
        for (name, value) in request.headers().iter() {
            sent = sent.header(name.as_str(), value.as_str());
        }
        if let Body::Bytes(body) = request.body() {
            sent = sent.body(body.clone());
        }
        let mut answer = sent.send().await.map_err(Error::from_http)?;
        let body = read(&mut answer).await?;
        if !answer.status().is_success() {
            return Err(Error::from_response(answer.status(), answer.headers(), &body));
        }
        let mut headers = Headers::new();
        for (name, value) in answer.headers() {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok((answer.status().as_u16(), headers, body))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> Result<AsyncRawResponse> {
        let sent = self.send(request).await;
        let (status, headers, body) = sent.map_err(|error| {
            let text = error.to_string();
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            TheirError::with_message(ErrorKind::Other, text)
        })?;
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
    }
}

async fn read(answer: &mut reqwest::Response) -> error::Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(Error::from_http)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(Error::protocol(format!("the answer is longer than {LONGEST} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
