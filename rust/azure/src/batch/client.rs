//! The client: endpoint, key, and the way a request takes.

use super::{
    request::Request,
    throttle::Throttle,
    unseen::{Unseen, created_nothing},
};
use crate::{
    Error, Result, RetryPolicy, SharedKey, endpoint,
    exchange::{Answer, MAX_DOCUMENT, Wanted, exchange},
    retry::Contact,
};
use serde::de::DeserializeOwned;
use std::{fmt, sync::Arc};
use time::OffsetDateTime;
use tokio::time::Instant;
use url::Url;

/// A Batch account. Cheap to clone.
#[derive(Clone)]
pub struct BatchClient(Arc<Inner>);

struct Inner {
    endpoint: Url,
    key: SharedKey,
    http: reqwest::Client,
    retry: RetryPolicy,
    throttle: Throttle,
    unseen: Unseen,
}

impl BatchClient {
    /// A client for the account at `endpoint`, `https://account.region.batch.azure.com`, which sends
    /// requests as fast as `throttle` lets it. Nothing is sent.
    ///
    /// # Errors
    /// A `Configuration` error that shows what an endpoint looks like.
    pub fn new(
        endpoint: &str,
        key: SharedKey,
        http: reqwest::Client,
        retry: RetryPolicy,
        throttle: Throttle,
    ) -> Result<Self> {
        let (endpoint, unseen) = (parse_endpoint(endpoint)?, Unseen::default());
        Ok(Self(Arc::new(Inner { endpoint, key, http, retry, throttle, unseen })))
    }

    /// The account's endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.0.endpoint
    }

    /// Sends a request until it succeeds or fails for good.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer> {
        self.send_with(Contact::Later, request, Wanted::AtMost(MAX_DOCUMENT)).await
    }

    /// The same, where more is known about the endpoint or the answer.
    pub(crate) async fn send_with(
        &self,
        contact: Contact,
        request: &Request,
        wanted: Wanted,
    ) -> Result<Answer> {
        // Before the time for a first answer begins to count.
        self.take_turn(request).await;
        let mut has_turn = true;
        let attempt = || {
            let has_turn = std::mem::take(&mut has_turn);
            async move {
                if !has_turn {
                    self.take_turn(request).await;
                }
                self.attempt(request, wanted).await
            }
        };
        self.0.retry.run(contact, &request.action, attempt).await
    }

    /// Sends a request that creates something at `path`. It counts as created also if nobody waits
    /// for the answer any more, or if it existed before.
    pub(crate) async fn create(&self, path: &str, request: &Request) -> Result<()> {
        self.expect(path);
        let created = self.send(request).await;
        match &created {
            Err(error) if created_nothing(error) => self.0.unseen.forget(path),
            _ => self.expect(path),
        }
        created.map(drop)
    }

    /// Reads that do not find what is at `path` are tried again for a while.
    pub(crate) fn expect(&self, path: &str) {
        self.0.unseen.expect(path);
    }

    /// Sends a request and reads its answer's JSON.
    pub(crate) async fn send_for<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        parse(request, &self.send(request).await?)
    }

    async fn take_turn(&self, request: &Request) {
        match request.urgent {
            true => self.0.throttle.pass(),
            false => self.0.throttle.turn().await,
        }
    }

    /// One attempt, newly dated and signed.
    async fn attempt(&self, request: &Request, wanted: Wanted) -> Result<Answer> {
        let Inner { http, key, throttle, unseen, .. } = &*self.0;
        let signed = request.sign(http, key, OffsetDateTime::now_utc())?;
        let body = request.body.clone().unwrap_or_default();
        let sent = Instant::now();
        let answer = exchange(http, signed, body, wanted).await;
        throttle.judge(sent, &answer);
        unseen.judge(request, answer)
    }
}

impl fmt::Debug for BatchClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchClient")
            .field("endpoint", &self.0.endpoint.as_str())
            .field("key", &self.0.key)
            .finish_non_exhaustive()
    }
}

/// The JSON of an answer.
pub(crate) fn parse<T: DeserializeOwned>(request: &Request, answer: &Answer) -> Result<T> {
    let not_understood = |error| Error::protocol(format!("the answer was not understood: {error}"));
    answer
        .document(b"[{,")
        .and_then(|json| serde_json::from_slice(json).map_err(not_understood))
        .map_err(|error| error.during(&request.action))
}

fn parse_endpoint(text: &str) -> Result<Url> {
    let bad = |reason: String| {
        Error::configuration(format!(
            "the endpoint of the Batch account {reason}; \
             it looks like https://account.region.batch.azure.com"
        ))
    };
    let url = endpoint::parse(text).map_err(bad)?;
    if url.path() != "/" {
        return Err(bad("must not have a path".to_owned()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_endpoints_are_taken_with_or_without_a_slash() {
        for good in [
            "https://acct.westeurope.batch.azure.com",
            " https://acct.westeurope.batch.azure.com/ ",
            "http://127.0.0.1:8080",
            "http://[::1]:8080/",
            "http://localhost:8080",
        ] {
            assert!(parse_endpoint(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn bad_endpoints_are_refused_with_an_example_and_without_their_secrets() {
        for bad in [
            "",
            "acct.westeurope.batch.azure.com",
            "ftp://acct.westeurope.batch.azure.com",
            "http://acct.westeurope.batch.azure.com",
            "http://localhost.example.com",
            "https://user:canary@acct.westeurope.batch.azure.com",
            "https://acct.westeurope.batch.azure.com?sig=canary",
            "https://acct.westeurope.batch.azure.com/#canary",
            "https://acct.westeurope.batch.azure.com/canary",
            "https://",
        ] {
            let error = parse_endpoint(bad).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Configuration);
            let text = error.to_string();
            assert!(text.contains("https://account.region.batch.azure.com"), "{bad}: {text}");
            assert!(!text.contains("canary"), "{bad}: {text}");
        }
    }
}
