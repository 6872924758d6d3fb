//! The identity of a server that Azure Arc manages: its agent gives a token to whoever may read a file of the agent.
//!
//! [Azure Arc](https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication)

use super::transport::Transport;
use crate::{Error, Result, blocking};
use azure_core_1::credentials::AccessToken;
use reqwest::{
    StatusCode,
    header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE},
};
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};
use time::OffsetDateTime;
use url::Url;
use zeroize::Zeroizing;

/// Where the agent keeps its key files. Whatever answers in its place must not have us read others; whoever runs the agent
/// elsewhere says so by the variable.
const KEYS: &str = "/var/opt/azcmagent/tokens";
const KEYS_VARIABLE: &str = "AZURE_ARC_TOKENS_DIR";
const LONGEST_KEY: u64 = 4096;

const VERSION: &str = "2020-06-01";

/// Where the agent is, and where it keeps its key files.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Agent {
    pub(super) endpoint: Url,
    keys: PathBuf,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    /// Seconds since 1970, as a text.
    expires_on: String,
}

impl Agent {
    pub(super) fn new(endpoint: Url, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let keys = variable(KEYS_VARIABLE).unwrap_or_else(|| KEYS.to_owned());
        Self { endpoint, keys: keys.into() }
    }

    /// Asks for a token once: the first answer names a file, whose content the second request shows.
    pub(super) async fn token(&self, transport: &Transport, scope: &str) -> Result<AccessToken> {
        let mut url = self.endpoint.clone();
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        url.query_pairs_mut().extend_pairs([("api-version", VERSION), ("resource", resource)]);
        let asked = transport.challenge(url.clone()).await?;
        if asked.0 != StatusCode::UNAUTHORIZED {
            return Err(Error::from_response(asked.0, &asked.1, b""));
        }
        let realm = asked.1.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let key = self.read_key(realm.unwrap_or_default()).await?;
        let mut shown = HeaderValue::from_str(&format!("Basic {}", key.trim()))
            .map_err(|_| Error::protocol("the agent's key cannot be sent in a header"))?;
        shown.set_sensitive(true);
        let body = transport.get(url, (AUTHORIZATION, shown)).await?;
        let not_understood =
            |error| Error::protocol(format!("the answer was not understood: {error}"));
        let answer: Answer = serde_json::from_slice(&body).map_err(not_understood)?;
        let expires = answer.expires_on.parse().ok();
        let expires = expires.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
        let expires = expires.ok_or_else(|| Error::protocol("the token's expiry is no time"))?;
        Ok(AccessToken::new(answer.access_token, expires))
    }

    async fn read_key(&self, challenge: &str) -> Result<Zeroizing<String>> {
        let path = challenge.split_once("realm=").map_or("", |(_, path)| path.trim_matches('"'));
        let path = Path::new(path).to_owned();
        if path.parent() != Some(&self.keys) || path.extension().is_none_or(|end| end != "key") {
            let keys = self.keys.display();
            return Err(Error::protocol(format!("the agent names no key file in {keys}")));
        }
        let shown = path.display().to_string();
        let cannot = |error: io::Error| {
            Error::local(format!(
                "the agent's key in {shown} cannot be read: {error}; the worker's user has to be in the group himds"
            ))
        };
        let read = blocking::begin(move || read_at_most(&path)).await.await;
        read.map_err(|error| cannot(io::Error::other(error)))?.map_err(cannot)
    }
}

fn read_at_most(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut key = Zeroizing::new(String::new());
    File::open(path)?.take(LONGEST_KEY).read_to_string(&mut key)?;
    Ok(key)
}
