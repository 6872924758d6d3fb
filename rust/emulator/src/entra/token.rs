//! Access tokens: how they are issued, and how the Batch account checks them.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;
use uuid::Uuid;

use super::Directory;
use super::jwt::Jwt;
use crate::settings::Principal;

/// The only audience that a Batch account accepts.
const BATCH: &str = "https://batch.core.windows.net/";

/// How long before its issue a token becomes valid, as with Entra.
const BACKDATED: Duration = Duration::from_secs(300);

/// The format of times in the errors of Azure's services.
const TIME: &[FormatItem<'_>] = format_description!(
    "[month padding:none]/[day padding:none]/[year] \
     [hour repr:12 padding:none]:[minute]:[second] [period]"
);

/// A token that was issued, and what the response says about it.
pub(crate) struct AccessToken {
    pub(crate) text: String,
    pub(crate) audience: String,
    pub(crate) client_id: Uuid,
    pub(crate) life: Duration,
    pub(crate) not_before: i64,
    pub(crate) expires: i64,
}

impl Directory {
    /// Issues a token; `None` if it cannot be signed.
    pub(super) fn issue(
        &self,
        tenant: Uuid,
        principal: &Principal,
        audience: &str,
        now: OffsetDateTime,
    ) -> Option<AccessToken> {
        let (not_before, expires) = (now - BACKDATED, now + self.token_life);
        let (not_before, expires) = (not_before.unix_timestamp(), expires.unix_timestamp());
        let object_id = principal.object_id().to_string();
        let text = self.key.sign(&json!({
            "aud": audience,
            "iss": issuer(tenant),
            "iat": not_before,
            "nbf": not_before,
            "exp": expires,
            "appid": principal.client_id.to_string(),
            "idp": issuer(tenant),
            "idtyp": "app",
            "oid": object_id,
            "sub": object_id,
            "tid": tenant.to_string(),
            "uti": Uuid::new_v4().simple().to_string(),
            "ver": "1.0",
        }))?;
        let (audience, client_id) = (audience.to_owned(), principal.client_id);
        Some(AccessToken { text, audience, client_id, life: self.token_life, not_before, expires })
    }

    /// Checks a token as the Batch account does, by its clock and without tolerance. Returns whose
    /// it is.
    ///
    /// # Errors
    /// What is wrong with it, for the client.
    pub(crate) fn check(&self, token: &str, now: OffsetDateTime) -> Result<&Principal, String> {
        let token = Jwt::parse(token).ok_or("The access token is invalid.")?;
        if !self.key.signed(&token) {
            return Err("The access token validation failure. The signature is invalid.".to_owned());
        }
        self.check_issuer(&token)?;
        check_audience(token.text("aud"))?;
        check_time(&token, now)?;
        let principal = self.principal(token.text("appid"));
        principal.ok_or_else(|| "The access token is of an unknown principal.".to_owned())
    }

    fn check_issuer(&self, token: &Jwt<'_>) -> Result<(), String> {
        let (given, own) = (token.text("iss"), issuer(self.tenant));
        if given == own && token.text("tid") == self.tenant.to_string() {
            return Ok(());
        }
        Err(format!(
            "The access token is from the wrong issuer '{given}'. It must match the tenant '{own}' \
             associated with this subscription."
        ))
    }
}

/// Returns the issuer that the tokens of a tenant name.
fn issuer(tenant: Uuid) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

fn check_audience(given: &str) -> Result<(), String> {
    if given == BATCH {
        return Ok(());
    }
    Err(format!(
        "The access token has been obtained from wrong audience or resource '{given}'. It should \
         exactly match (including forward slash) with one of the allowed audiences '{BATCH}'"
    ))
}

fn check_time(token: &Jwt<'_>, now: OffsetDateTime) -> Result<(), String> {
    let time = |at: OffsetDateTime| at.format(TIME).unwrap_or_default();
    let named = |name| token.time(name).ok_or(format!("The access token has no time '{name}'."));
    let (not_before, expires) = (named("nbf")?, named("exp")?);
    if now < not_before {
        let (start, now) = (time(not_before), time(now));
        return Err(format!(
            "The access token is not valid before UTC time '{start}', which is later than current \
             UTC time '{now}'."
        ));
    }
    if now >= expires {
        let (end, now) = (time(expires), time(now));
        return Err(format!(
            "The access token expiry UTC time '{end}' is earlier than current UTC time '{now}'."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use time::macros::datetime;

    use super::*;
    use crate::settings::EntraSettings;

    const TENANT: Uuid = Uuid::from_u128(1);
    const CLIENT: Uuid = Uuid::from_u128(2);
    const NOW: OffsetDateTime = datetime!(2026-11-30 15:04:05 UTC);

    fn directory() -> Directory {
        let principal = Principal { client_id: CLIENT, proofs: Vec::new(), roles: Vec::new() };
        let principals = vec![principal];
        Directory::new(&EntraSettings { principals, ..EntraSettings::new(TENANT) }).unwrap()
    }

    fn claims() -> Value {
        json!({
            "iss": issuer(TENANT), "tid": TENANT.to_string(),
            "appid": CLIENT.to_string(),
            "aud": BATCH, "nbf": NOW.unix_timestamp(), "exp": NOW.unix_timestamp() + 1,
        })
    }

    #[test]
    fn a_token_is_valid_from_its_first_second_until_its_last() {
        let directory = directory();
        let token = directory.key.sign(&claims()).unwrap();
        for (second, accepted) in [(-1, false), (0, true), (1, false)] {
            let at = NOW + time::Duration::seconds(second);
            assert_eq!(directory.check(&token, at).is_ok(), accepted, "{second}");
        }
    }

    #[test]
    fn each_claim_is_checked() {
        let directory = directory();
        for (claim, value, part) in [
            ("iss", json!(issuer(CLIENT)), "wrong issuer"),
            ("tid", json!(CLIENT.to_string()), "wrong issuer"),
            ("aud", json!("https://batch.core.windows.net"), "including forward slash"),
            ("aud", json!([BATCH]), "wrong audience"),
            ("nbf", Value::Null, "no time 'nbf'"),
            ("exp", json!("tomorrow"), "no time 'exp'"),
            ("exp", json!(NOW.unix_timestamp()), "expiry UTC time '11/30/2026 3:04:05 PM'"),
            ("appid", json!(TENANT.to_string()), "unknown principal"),
        ] {
            let mut claims = claims();
            claims[claim] = value;
            let token = directory.key.sign(&claims).unwrap();
            let error = directory.check(&token, NOW).unwrap_err();
            assert!(error.contains(part), "{claim}: {error}");
        }
        assert!(directory.check(&directory.key.sign(&claims()).unwrap(), NOW).is_ok());
    }

    #[test]
    fn only_the_key_of_the_tenant_signs_access_tokens() {
        let directory = directory();
        let own = directory.key.sign(&claims()).unwrap();
        let (signed, signature) = own.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let other = directory.cluster.sign(&claims()).unwrap();
        let foreign = other.split_once('.').unwrap().1;
        for forged in [
            other.clone(),
            format!("{header}.{foreign}"),
            format!("{signed}."),
            format!("{header}.e30.{signature}"),
        ] {
            let error = directory.check(&forged, NOW).unwrap_err();
            assert!(error.contains("signature is invalid"), "{forged}: {error}");
        }
        for malformed in ["a.b", "..", "a.b.c.d", &signed[1..]] {
            assert!(directory.check(malformed, NOW).is_err(), "{malformed}");
        }
    }
}
