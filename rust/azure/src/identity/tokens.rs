//! Tokens as they are needed: fetched once for many requests, and again before they expire.

use super::{
    Identity,
    cloud::{Authority, Cloud},
};
use crate::{Error, Result, RetryPolicy, endpoint::is_loopback, retry::Contact};
use reqwest::header::HeaderValue;
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::{sync::Mutex, time::Instant};
use url::Url;
use zeroize::Zeroizing;

/// A token is fetched again so long before it expires, or when a fifth of its life is left.
const RESERVE: Duration = Duration::from_secs(5 * 60);
const RESERVE_PART: u32 = 5;

/// The part of the reserve after which somebody tries again where the next token could not be fetched.
const PAUSE_PART: u32 = 10;

/// In all clouds the same.
///
/// [Authorize with Entra ID](https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory)
const STORAGE_SCOPE: &str = "https://storage.azure.com/.default";

/// While there is a token that is good, the next one is asked for once at a time.
const ONCE: RetryPolicy = RetryPolicy { attempts: 1, base: Duration::ZERO, max: Duration::ZERO };

/// What tokens are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Azure Batch.
    Batch,
    /// Azure Storage.
    Storage,
}

impl Service {
    /// The hosts of this service, in all clouds. Private endpoints have the same names.
    fn domains(self) -> &'static [&'static str] {
        match self {
            Self::Batch => {
                &[".batch.azure.com", ".batch.chinacloudapi.cn", ".batch.usgovcloudapi.net"]
            }
            Self::Storage => &[
                ".blob.core.windows.net",
                ".blob.storage.azure.net",
                ".blob.core.chinacloudapi.cn",
                ".blob.core.usgovcloudapi.net",
            ],
        }
    }

    /// Refuses an endpoint whose host is none of this service, nor of this machine. A flow's author names endpoints, and who
    /// gets a token can do with it what the worker can.
    ///
    /// # Errors
    /// A `Configuration` error that says which hosts there are.
    pub fn check_host(self, endpoint: &str) -> Result<()> {
        // What is no URL is refused by whoever needs it.
        let Ok(url) = Url::parse(endpoint.trim()) else { return Ok(()) };
        let host = url.host_str().unwrap_or_default();
        if is_loopback(&url) || self.domains().iter().any(|domain| host.ends_with(domain)) {
            return Ok(());
        }
        let hosts: Vec<_> = self.domains().iter().map(|domain| format!("*{domain}")).collect();
        Err(Error::configuration(format!(
            "an identity's tokens are sent to hosts of Azure alone ({}), and this is another one",
            hosts.join(", ")
        )))
    }
}

/// The tokens of an identity for one service. Clones share them.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    identity: Identity,
    authority: Authority,
    scope: &'static str,
    http: reqwest::Client,
    retry: RetryPolicy,
    current: RwLock<Option<Token>>,
    /// Held by whoever fetches: whether anybody has done so with success.
    fetching: Mutex<bool>,
}

/// A token, as the value of a header.
#[derive(Clone)]
pub(crate) struct Token {
    bearer: HeaderValue,
    fetched: Instant,
    expires: Instant,
    /// When the next one is fetched.
    due: Instant,
    /// Between attempts at that.
    pause: Duration,
}

impl Tokens {
    /// Those for the service at this endpoint, whose cloud says who issues them unless `AZURE_AUTHORITY_HOST` does.
    /// Nothing is sent.
    ///
    /// # Errors
    /// A `Configuration` error where the variable's value is not a URL by https.
    pub fn new(
        identity: Identity,
        (service, endpoint): (Service, &str),
        http: reqwest::Client,
        retry: RetryPolicy,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let cloud = Url::parse(endpoint.trim()).map_or(Cloud::Public, |url| Cloud::of(&url));
        let scope = match service {
            Service::Batch => cloud.batch_scope(),
            Service::Storage => STORAGE_SCOPE,
        };
        let (authority, current) = (Authority::of(cloud, variable)?, RwLock::default());
        let fetching = Mutex::default();
        Ok(Self(Arc::new(Inner { identity, authority, scope, http, retry, current, fetching })))
    }

    /// Fetches a token unless there is one, so that what is wrong with the identity is said by itself.
    ///
    /// # Errors
    /// What the issuer says, or that there is none.
    pub async fn sign_in(&self) -> Result<()> {
        self.get().await.map(drop)
    }

    /// Whether anybody else has a clone.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// The identity whose tokens these are.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// A token that is good now. While there is one, nobody waits for the next.
    pub(crate) async fn get(&self) -> Result<Token> {
        if let Some(token) = self.good() {
            if token.is_due() {
                tokio::spawn(self.clone().renew());
            }
            return Ok(token);
        }
        let mut fetching = self.0.fetching.lock().await;
        match self.good() {
            Some(token) => Ok(token),
            None => self.fetch(&mut fetching, self.0.retry).await,
        }
    }

    /// When the token was fetched that a request which begins now will show; None where it has to be fetched.
    pub(crate) fn mark(&self) -> Option<Instant> {
        self.good().map(|token| token.fetched)
    }

    /// Whether a request that was begun at this mark, and failed, may do better with another token: its own was refused,
    /// and not a new one. That is forgotten, unless somebody has replaced it.
    pub(crate) fn is_refused(&self, mark: Option<Instant>, error: &Error) -> bool {
        let Some(mark) = mark else { return false };
        let is_refused = error.status() == Some(401) || error.has_code(&["AuthenticationFailed"]);
        if is_refused {
            let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
            current.take_if(|token| token.fetched == mark);
        }
        is_refused
    }

    /// Fetches the next token, if nobody does so now or did a moment ago.
    async fn renew(self) {
        let Ok(mut fetching) = self.0.fetching.try_lock() else { return };
        let due = self.good().filter(Token::is_due);
        if due.is_some() && self.fetch(&mut fetching, ONCE).await.is_err() {
            let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(token) = current.as_mut() {
                token.due = Instant::now() + token.pause;
            }
        }
    }

    async fn fetch(&self, was_fetched: &mut bool, retry: RetryPolicy) -> Result<Token> {
        let Inner { identity, authority, scope, http, .. } = &*self.0;
        let contact = if *was_fetched { Contact::Later } else { Contact::First };
        let action = identity.action(authority);
        let attempt = || async {
            let fetched = identity.fetch(http, authority, scope).await?;
            Token::new(fetched.token.secret(), fetched.expires_on)
        };
        // Whoever needs it for a request does not begin all of this again.
        let token = retry.run(contact, &action, attempt).await.map_err(Error::for_good)?;
        *was_fetched = true;
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        Ok(current.insert(token).clone())
    }

    fn good(&self) -> Option<Token> {
        self.current().filter(|token| Instant::now() < token.expires)
    }

    fn current(&self) -> Option<Token> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokens").field(&self.0.identity).finish()
    }
}

impl Token {
    fn new(token: &str, expires: OffsetDateTime) -> Result<Self> {
        if token.is_empty() {
            return Err(Error::protocol("the answer holds no token"));
        }
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        let mut bearer = HeaderValue::from_str(&bearer)
            .map_err(|_| Error::protocol("the token cannot be sent in a header"))?;
        bearer.set_sensitive(true);
        let (now, life) = (Instant::now(), expires - OffsetDateTime::now_utc());
        let life = Duration::try_from(life).unwrap_or_default();
        let reserve = RESERVE.min(life / RESERVE_PART);
        Ok(Self {
            bearer,
            fetched: now,
            expires: now + life,
            due: now + (life - reserve),
            pause: reserve / PAUSE_PART,
        })
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// The token itself.
    pub(crate) fn expose(&self) -> &str {
        self.bearer
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default()
    }

    /// The value of the Authorization header, which `Debug` hides.
    pub(crate) fn bearer(&self) -> &HeaderValue {
        &self.bearer
    }
}
