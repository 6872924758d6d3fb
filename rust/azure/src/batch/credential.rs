//! What authorizes a request to Batch.

use super::signing::Signed;
use crate::{Error, Result, SharedKey, identity::Tokens};
use reqwest::header::HeaderValue;
use tokio::time::Instant;

/// How an account knows us.
#[derive(Clone, Debug)]
pub enum Credential {
    /// One of the account's two keys, which allow everything.
    SharedKey(SharedKey),
    /// An identity of Entra ID, which may do what its roles allow.
    Tokens(Tokens),
}

impl From<SharedKey> for Credential {
    fn from(key: SharedKey) -> Self {
        Self::SharedKey(key)
    }
}

impl From<Tokens> for Credential {
    fn from(tokens: Tokens) -> Self {
        Self::Tokens(tokens)
    }
}

impl Credential {
    /// The Authorization header of a request.
    pub(super) async fn authorize(&self, signed: &Signed<'_>) -> Result<HeaderValue> {
        match self {
            Self::SharedKey(key) => {
                let value = HeaderValue::try_from(signed.authorization(key)?);
                let mut value = value.map_err(|error| Error::configuration(error.to_string()))?;
                value.set_sensitive(true);
                Ok(value)
            }
            Self::Tokens(tokens) => Ok(tokens.get().await?.bearer().clone()),
        }
    }

    /// Of a request that begins now.
    pub(super) fn mark(&self) -> Option<Instant> {
        match self {
            Self::SharedKey(_) => None,
            Self::Tokens(tokens) => tokens.mark(),
        }
    }

    /// Whether a request that was begun at this mark, and failed, is worth another attempt: with another token.
    pub(super) fn is_refused(&self, mark: Option<Instant>, error: &Error) -> bool {
        matches!(self, Self::Tokens(tokens) if tokens.is_refused(mark, error))
    }
}
