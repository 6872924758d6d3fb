//! JSON Web Tokens in their compact form.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::OffsetDateTime;

/// A token, not checked.
pub(super) struct Jwt<'a> {
    header: Value,
    claims: Value,
    /// What the signature is for.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

/// Returns whether a bearer token is a JSON Web Token, which the tokens of tasks are not.
pub(crate) fn is_jwt(token: &str) -> bool {
    token.contains('.')
}

impl<'a> Jwt<'a> {
    /// Returns `None` for anything that is not two JSON objects and a signature.
    pub(super) fn parse(text: &'a str) -> Option<Jwt<'a>> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Jwt {
            header: object(header)?,
            claims: object(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Returns a text of the header; an empty one if it is absent.
    pub(super) fn header(&self, name: &str) -> &str {
        self.header[name].as_str().unwrap_or("")
    }

    /// Returns a claim that is a text; an empty one if it is absent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.claims[name].as_str().unwrap_or("")
    }

    /// Returns whether the token is for this audience, which can be one of several.
    pub(super) fn has_audience(&self, audience: &str) -> bool {
        match &self.claims["aud"] {
            Value::Array(several) => several.iter().any(|one| one == audience),
            one => one == audience,
        }
    }

    /// Returns a claim that is a time.
    pub(super) fn time(&self, name: &str) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.claims[name].as_i64()?).ok()
    }
}

fn object(part: &str) -> Option<Value> {
    let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    Some(value).filter(Value::is_object)
}
