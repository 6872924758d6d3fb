//! A cloud with a tenant of Microsoft Entra ID.

use azure_batch_emulator::{EntraSettings, Principal, Proof, Role, Settings};
use serde_json::Value;
use uuid::Uuid;

use super::Cloud;
use super::client::{Reply, Request, now};

pub(crate) const TENANT: Uuid = Uuid::from_u128(0x1111_1111_2222_3333_4444_5555_5555_5555);
/// The client id of the first principal.
pub(crate) const CLIENT: Uuid = Uuid::from_u128(0xaaaa_aaaa_bbbb_cccc_dddd_eeee_eeee_eeee);
pub(crate) const SECRET: &str = "s3cret~+&=%";
/// The scope of tokens for the Batch account, with its two slashes.
pub(crate) const BATCH: &str = "https://batch.core.windows.net//.default";

/// Returns the application with the secret.
pub(crate) fn application(roles: &[Role]) -> Principal {
    principal(CLIENT, vec![Proof::Secret(SECRET.to_owned())], roles)
}

pub(crate) fn principal(client_id: Uuid, proofs: Vec<Proof>, roles: &[Role]) -> Principal {
    Principal { client_id, proofs, roles: roles.to_vec() }
}

/// Starts a cloud with a tenant that has these principals.
pub(crate) async fn tenant_of(principals: Vec<Principal>) -> Cloud {
    tenant_with(principals, |_| {}).await
}

pub(crate) async fn tenant_with(
    principals: Vec<Principal>,
    change: impl FnOnce(&mut Settings),
) -> Cloud {
    Cloud::start_with(|settings| {
        settings.entra = Some(EntraSettings { principals, ..EntraSettings::new(TENANT) });
        change(settings);
    })
    .await
}

/// A cloud whose only principal may do everything.
pub(crate) async fn tenant() -> Cloud {
    tenant_of(vec![application(&[Role::AzureBatchAccountContributor])]).await
}

impl Cloud {
    pub(crate) fn issuer(&self) -> String {
        self.emulator.issuer_endpoint().unwrap()
    }

    /// Returns the URL of the token endpoint.
    pub(crate) fn token_endpoint(&self) -> String {
        format!("{}/{TENANT}/oauth2/v2.0/token", self.issuer())
    }

    /// Sends a form to the token endpoint.
    pub(crate) async fn ask_for_token(&self, form: &[(&str, &str)]) -> Reply {
        let request = self.client.http.post(self.token_endpoint()).form(form);
        self.client.reply(request.build().unwrap()).await.unwrap()
    }

    /// Returns a token for the application with the secret.
    pub(crate) async fn token(&self, scope: &str) -> String {
        let form = with_secret(scope);
        access_token(&self.ask_for_token(&form).await.expect(200))
    }

    /// Returns the value of the Authorization header with a token for the Batch account.
    pub(crate) async fn bearer(&self) -> String {
        format!("Bearer {}", self.token(BATCH).await)
    }
}

impl Request<'_> {
    /// Sends with this Authorization header.
    pub(crate) async fn send_with(self, authorization: &str) -> Reply {
        self.send_as(authorization, &now()).await
    }
}

/// Returns the form that asks for a token with the secret.
pub(crate) fn with_secret(scope: &str) -> [(&str, &str); 4] {
    // A constant, because a form borrows it.
    const ID: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    [
        ("grant_type", "client_credentials"),
        ("client_id", ID),
        ("client_secret", SECRET),
        ("scope", scope),
    ]
}

pub(crate) fn access_token(reply: &Reply) -> String {
    reply.body["access_token"].as_str().unwrap().to_owned()
}

/// Checks the error of the token endpoint.
pub(crate) fn expect_refusal(reply: Reply, status: u16, error: &str, code: u32) -> String {
    let reply = reply.expect(status);
    assert_eq!(reply.body["error"], error, "{}", reply.text);
    assert_eq!(reply.body["error_codes"], Value::from(vec![code]), "{}", reply.text);
    let description = reply.body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    description.to_owned()
}
