//! Client assertions: signed with the certificate of an application, or by the cluster that it
//! trusts.
//!
//! [Certificate credentials](https://learn.microsoft.com/entra/identity-platform/certificate-credentials),
//! [workload identity federation](https://learn.microsoft.com/entra/workload-id/workload-identity-federation)

use std::fmt::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Directory;
use super::jwt::Jwt;
use super::refusal::Refusal;
use crate::settings::{Principal, Proof};
use crate::wire::time::precise_instant;

/// The issuer of the emulator's cluster.
const CLUSTER: &str = "https://cluster.emulator/";

/// The audience of a cluster's tokens for Entra.
const EXCHANGE: &str = "api://AzureADTokenExchange";

const CERTIFICATES: &str = "Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";

const FEDERATION: &str = "Check your federated identity credential Subject, Audience and Issuer \
    against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// Returns the claims of a cluster's token for a workload.
pub(super) fn federated_claims(subject: &str, life: Duration, now: OffsetDateTime) -> Value {
    json!({
        "aud": [EXCHANGE],
        "iss": CLUSTER,
        "sub": subject,
        "iat": now.unix_timestamp(),
        "nbf": now.unix_timestamp(),
        "exp": (now + life).unix_timestamp(),
        "jti": Uuid::new_v4().to_string(),
    })
}

impl Directory {
    /// Checks an assertion of this principal.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check_assertion(
        &self,
        tenant: Uuid,
        principal: &Principal,
        text: &str,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let assertion = Jwt::parse(text).filter(|jwt| !jwt.text("sub").is_empty());
        let assertion = assertion.ok_or_else(malformed)?;
        // The issuer of an assertion that an application signs is the application itself.
        match assertion.text("iss").parse::<Uuid>() {
            Ok(issuer) => {
                self.check_signed_by_application(principal, &assertion, issuer)?;
                check_token_endpoint(tenant, &assertion)?;
            }
            Err(_) => self.check_federated(principal, &assertion)?,
        }
        check_time(&assertion, now)
    }

    fn check_signed_by_application(
        &self,
        principal: &Principal,
        assertion: &Jwt<'_>,
        issuer: Uuid,
    ) -> Result<(), Refusal> {
        let own = self.certificates.iter().filter(|(id, _)| *id == principal.client_id);
        let mut named = own.map(|(_, one)| one).filter(|one| one.is_named_by(assertion));
        let certificate = named.next().ok_or_else(|| unregistered(principal, assertion))?;
        if !certificate.signed(assertion) {
            return Err(wrong_signature(assertion));
        }
        if issuer != principal.client_id || assertion.text("sub") != assertion.text("iss") {
            return Err(Refusal::client(
                700021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
            ));
        }
        if assertion.text("jti").is_empty() { Err(malformed()) } else { Ok(()) }
    }

    fn check_federated(&self, principal: &Principal, assertion: &Jwt<'_>) -> Result<(), Refusal> {
        let (issuer, subject) = (assertion.text("iss"), assertion.text("sub"));
        let no_match = |code, what: &str, value: &str| {
            let message = "No matching federated identity record found for presented assertion";
            Refusal::client(code, format!("{message} {what} '{value}'. {FEDERATION}"))
        };
        if issuer != CLUSTER {
            return Err(no_match(700211, "issuer", issuer));
        }
        if !self.cluster.signed(assertion) {
            return Err(wrong_signature(assertion));
        }
        if !assertion.has_audience(EXCHANGE) {
            return Err(no_match(700212, "audience", assertion.text("aud")));
        }
        match principal.proofs.contains(&Proof::Federated(subject.to_owned())) {
            true => Ok(()),
            false => Err(no_match(700213, "subject", subject)),
        }
    }
}

/// Checks that the audience is the tenant's token endpoint, whatever the host in front of it.
fn check_token_endpoint(tenant: Uuid, assertion: &Jwt<'_>) -> Result<(), Refusal> {
    let path = format!("/{tenant}/oauth2/v2.0/token");
    let url = url::Url::parse(assertion.text("aud")).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    if url.is_some_and(|url| url.path().eq_ignore_ascii_case(&path)) {
        return Ok(());
    }
    let message = "Client assertion audience claim does not match Realm issuer.";
    Err(Refusal::client(700023, format!("{message} {CERTIFICATES}")))
}

fn check_time(assertion: &Jwt<'_>, now: OffsetDateTime) -> Result<(), Refusal> {
    let start = assertion.time("nbf").unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let end = assertion.time("exp").ok_or_else(malformed)?;
    if start <= now && now < end {
        return Ok(());
    }
    let [now, start, end] = [now, start, end].map(precise_instant);
    Err(Refusal::client(
        700024,
        format!(
            "Client assertion is not within its valid time range. Current time: {now}, assertion \
             valid from {start}, expiry time of assertion {end}. {CERTIFICATES}"
        ),
    ))
}

fn malformed() -> Refusal {
    Refusal::request(50027, "invalid_request", "JWT token is invalid or malformed.")
}

fn unregistered(principal: &Principal, assertion: &Jwt<'_>) -> Refusal {
    let (thumbprint, id) = (thumbprint(assertion), principal.client_id);
    Refusal::client(
        700027,
        format!(
            "The certificate with identifier used to sign the client assertion is not registered \
             on application. [Reason - The key was not found., Thumbprint of key used by client: \
             '{thumbprint}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph \
             to see configured keys for app Id '{id}'.]"
        ),
    )
}

fn wrong_signature(assertion: &Jwt<'_>) -> Refusal {
    let thumbprint = thumbprint(assertion);
    Refusal::client(
        700027,
        format!(
            "Client assertion contains an invalid signature. [Reason - The provided signature \
             value did not match the expected signature value., Thumbprint of key used by client: \
             '{thumbprint}']"
        ),
    )
}

/// Returns the thumbprint that an assertion names, in hexadecimal digits.
fn thumbprint(assertion: &Jwt<'_>) -> String {
    let named = [assertion.header("x5t"), assertion.header("x5t#S256")];
    let named = named.into_iter().find(|name| !name.is_empty()).unwrap_or("");
    let bytes = URL_SAFE_NO_PAD.decode(named).unwrap_or_default();
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::EntraSettings;

    #[test]
    fn a_token_of_the_cluster_for_another_service_is_refused() {
        let subject = "system:serviceaccount:a:b";
        let proofs = vec![Proof::Federated(subject.to_owned())];
        let principal = Principal { client_id: Uuid::nil(), proofs, roles: Vec::new() };
        let directory = Directory::new(&EntraSettings::new(Uuid::nil())).unwrap();
        let now = OffsetDateTime::now_utc();
        let mut claims = federated_claims(subject, Duration::from_secs(60), now);
        let mut check = |audience: Value| {
            claims["aud"] = audience;
            let token = directory.cluster.sign(&claims).unwrap();
            let checked = directory.check_assertion(Uuid::nil(), &principal, &token, now);
            checked.map_err(|refusal| refusal.code)
        };
        assert_eq!(check(json!(EXCHANGE)), Ok(()));
        assert_eq!(check(json!(["https://kubernetes.default.svc", EXCHANGE])), Ok(()));
        assert_eq!(check(json!("https://kubernetes.default.svc")), Err(700212));
        assert_eq!(check(Value::Null), Err(700212));
    }
}
