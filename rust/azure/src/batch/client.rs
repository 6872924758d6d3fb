//! The client: endpoint, credential, and the way a request takes.

use super::{
    credential::Credential,
    request::Request,
    throttle::Throttle,
    traffic::{Counters, Traffic},
    unseen::{Unseen, created_nothing},
};
use crate::{
    Error, Result, RetryPolicy, endpoint,
    exchange::{Answer, MAX_DOCUMENT, Wanted, exchange},
    identity::Identity,
    retry::Contact,
};
use serde::de::DeserializeOwned;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use time::OffsetDateTime;
use tokio::time::Instant;
use url::Url;

/// A Batch account. Cheap to clone.
#[derive(Clone)]
pub struct BatchClient(Arc<Inner>);

struct Inner {
    endpoint: Url,
    credential: Credential,
    http: reqwest::Client,
    retry: RetryPolicy,
    throttle: Throttle,
    unseen: Unseen,
    counters: Counters,
}

impl BatchClient {
    /// A client for the account at `endpoint`, `https://account.region.batch.azure.com`, which sends
    /// requests as fast as `throttle` lets it. Nothing is sent.
    ///
    /// # Errors
    /// A `Configuration` error that shows what an endpoint looks like.
    pub fn new(
        endpoint: &str,
        credential: impl Into<Credential>,
        http: reqwest::Client,
        retry: RetryPolicy,
        throttle: Throttle,
    ) -> Result<Self> {
        let (endpoint, unseen) = (parse_endpoint(endpoint)?, Unseen::default());
        let (credential, counters) = (credential.into(), Counters::default());
        let inner = Inner { endpoint, credential, http, retry, throttle, unseen, counters };
        Ok(Self(Arc::new(inner)))
    }

    /// The account's endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.0.endpoint
    }

    /// The identity that signs in; None where a key signs.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match &self.0.credential {
            Credential::SharedKey(_) => None,
            Credential::Tokens(tokens) => Some(tokens.identity()),
        }
    }

    /// What the requests of this client and its clones took so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.0.counters.traffic()
    }

    /// Makes sure that requests can be authorized: fetches a token where they need one.
    ///
    /// # Errors
    /// What whoever issues tokens says.
    pub async fn sign_in(&self) -> Result<()> {
        match &self.0.credential {
            Credential::SharedKey(_) => Ok(()),
            Credential::Tokens(tokens) => tokens.sign_in().await,
        }
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
        let refused = Mutex::new(None);
        let attempt = || {
            let has_turn = std::mem::take(&mut has_turn);
            let refused = &refused;
            async move {
                if !has_turn {
                    self.begin_again(request, refused).await;
                }
                let answer = self.attempt(request, wanted).await;
                if answer.as_ref().is_err_and(Error::is_throttled) {
                    *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                }
                answer
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

    /// Before another attempt. `refused` is when the last one was, because there were too many requests.
    async fn begin_again(&self, request: &Request, refused: &Mutex<Option<Instant>>) {
        self.0.counters.retried();
        if let Some(refused) = refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.0.counters.held_since(refused);
        }
        self.take_turn(request).await;
    }

    async fn take_turn(&self, request: &Request) {
        let since = Instant::now();
        match request.urgent {
            true => self.0.throttle.pass(),
            false => self.0.throttle.turn().await,
        }
        self.0.counters.held_since(since);
    }

    /// One attempt, and another where a token was refused: it may have expired on its way.
    async fn attempt(&self, request: &Request, wanted: Wanted) -> Result<Answer> {
        let credential = &self.0.credential;
        let mark = credential.mark();
        let mut answer = self.exchange(request, wanted).await;
        if answer.as_ref().is_err_and(|error| credential.is_refused(mark, error)) {
            answer = self.exchange(request, wanted).await;
        }
        self.0.unseen.judge(request, answer)
    }

    /// One exchange, newly dated and signed.
    async fn exchange(&self, request: &Request, wanted: Wanted) -> Result<Answer> {
        let Inner { http, credential, throttle, counters, .. } = &*self.0;
        let signed = request.sign(http, credential, OffsetDateTime::now_utc()).await?;
        let (body, sent) = (request.body.clone().unwrap_or_default(), Instant::now());
        counters.sent();
        let answer = exchange(http, signed, body, wanted).await;
        throttle.judge(sent, &answer);
        answer
    }
}

impl fmt::Debug for BatchClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchClient")
            .field("endpoint", &self.0.endpoint.as_str())
            .field("credential", &self.0.credential)
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
