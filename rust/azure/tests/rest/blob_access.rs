//! Access to blobs by a SAS and by an identity, against Azurite, which checks what it can: of a token its issuer, audience
//! and time.

use crate::{
    azurite::{ACCOUNT, Azurite, KEY},
    oauth_azurite::{self, Front},
    scripted_service::{Reply, ScriptedService, eager},
    tls::TlsFront,
};
use azure::{
    Error,
    blob::{BlobContainer, SasPermissions, StorageAccount},
    identity::{Identity, Service, Tokens},
};
use azure_core::auth::Secret;
use azure_storage::{
    prelude::BlobSasPermissions,
    shared_access_signature::{
        SasToken,
        service_sas::{BlobSharedAccessSignature, BlobSignedResource},
    },
};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use std::{fs, sync::Arc, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const CLIENT: &str = "22222222-0000-4000-8000-000000000002";
const TENANT: &str = "11111111-0000-4000-8000-000000000001";
const HOUR: Duration = Duration::from_secs(3600);
const AUDIENCE: &str = "https://storage.azure.com";

/// Azurite, and whoever issues tokens.
struct Cloud {
    azurite: Azurite,
    _front: Front,
    issuer: ScriptedService,
    issuer_front: TlsFront,
    http: reqwest::Client,
}

impl Cloud {
    async fn start() -> Self {
        let (azurite, _front) = oauth_azurite::start().await;
        azurite.create_container("data").await;
        let issuer = ScriptedService::start([]).await;
        let issuer_front = TlsFront::start(issuer.endpoint.trim_start_matches("http://")).await;
        let trusted = fs::read(&issuer_front.certificate).unwrap();
        let trusted = reqwest::Certificate::from_pem(&trusted).unwrap();
        let http = reqwest::Client::builder().no_proxy().add_root_certificate(trusted);
        Self { azurite, _front, issuer, issuer_front, http: http.build().unwrap() }
    }

    /// The container as an identity sees it.
    fn container(&self) -> BlobContainer {
        let identity = Identity::with_secret(TENANT, CLIENT, "secret").unwrap();
        let authority = format!("https://{}", self.issuer_front.address);
        let variable = |name: &str| (name == "AZURE_AUTHORITY_HOST").then(|| authority.clone());
        let service = (Service::Storage, self.azurite.endpoint.as_str());
        let tokens = Tokens::new(identity, service, self.http.clone(), eager(), variable).unwrap();
        let account = StorageAccount::with_identity(&self.azurite.endpoint, tokens).unwrap();
        BlobContainer::new(account, "data", self.http.clone(), eager()).unwrap()
    }

    /// Lets a token be issued that is good for so many seconds from a moment on.
    fn issue(&self, audience: &str, from: i64, seconds: i64) {
        let start = OffsetDateTime::now_utc().unix_timestamp() + from;
        let claims = json!({
            "aud": audience, "iss": format!("https://sts.windows.net/{TENANT}/"), "tid": TENANT, "oid": CLIENT,
            "iat": start, "nbf": start, "exp": start + seconds,
        });
        let part = |json: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let token =
            format!("{}.{}.c2ln", part(json!({"alg": "RS256", "typ": "JWT"})), part(claims));
        // Whatever the token is, the client takes it for one that is good for an hour.
        let answer = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": token});
        self.issuer.queue(Reply::ok(&answer.to_string()));
    }
}

/// The storage crate makes one for containers, or one for objects.
///
/// [Account SAS](https://learn.microsoft.com/rest/api/storageservices/create-account-sas)
fn sas_of_account() -> String {
    let expiry = (OffsetDateTime::now_utc() + HOUR).replace_nanosecond(0).unwrap();
    let expiry = expiry.format(&Rfc3339).unwrap();
    let text = format!("{ACCOUNT}\nrwdl\nb\nco\n\n{expiry}\n\n\n2022-11-02\n\n");
    let mut mac = Hmac::<Sha256>::new_from_slice(&BASE64_STANDARD.decode(KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("sv=2022-11-02&ss=b&srt=co&sp=rwdl&se={expiry}&sig={signature}")
}

fn sas_of_container() -> String {
    let permissions = BlobSasPermissions {
        read: true,
        write: true,
        delete: true,
        list: true,
        ..BlobSasPermissions::default()
    };
    BlobSharedAccessSignature::new(
        Secret::new(KEY),
        format!("/blob/{ACCOUNT}/data"),
        permissions,
        OffsetDateTime::now_utc() + HOUR,
        BlobSignedResource::Container,
    )
    .token()
    .unwrap()
}

/// All that we do with blobs, and what nodes do with what they are given.
async fn use_it(container: &BlobContainer, http: &reqwest::Client) -> Result<(), Error> {
    let large: Arc<Vec<u8>> = Arc::new((0..20 << 20).map(|n: u32| n as u8).collect());
    let source = Arc::clone(&large);
    let read = move |start: u64, size: u64| Ok(source[start as usize..][..size as usize].to_vec());
    container.put_file("dir/large", large.len() as u64, Arc::new(read)).await?;
    let part = container.get_range("dir/large", 9 << 20, 4).await?.unwrap();
    assert_eq!(part, large[9 << 20..][..4]);
    let version = container.put_bytes_if("dir/state", "1".into(), None).await?.unwrap();
    container.put_bytes_if("dir/state", "2".into(), Some(&version)).await?.unwrap();
    assert_eq!(container.directories("d").await?, ["dir/"]);
    let many: Vec<_> = (0..40).map(|n| format!("dir/many {n}")).collect();
    for name in &many {
        container.put_bytes(name, Bytes::from(name.clone())).await?;
    }
    container.delete_all(&many).await?;
    container.delete("dir/large").await?;
    let left = container.pages("").next().await?.unwrap();
    assert_eq!(left.iter().map(|blob| blob.name.as_str()).collect::<Vec<_>>(), ["dir/state"]);
    let grants = container.grants(HOUR).await?;
    let url = grants.url(Some("dir/state"), SasPermissions::READ)?;
    assert_eq!(http.get(url).send().await.unwrap().text().await.unwrap(), "2");
    let mut url = grants.url(None, SasPermissions::WRITE)?;
    url.set_path(&format!("{}/dir/new", url.path()));
    let put = http.put(url).header("x-ms-blob-type", "BlockBlob").body("new");
    assert_eq!(put.send().await.unwrap().status(), 201);
    Ok(())
}

#[tokio::test]
async fn an_identity_does_all_that_a_key_does_with_one_token() {
    let cloud = Cloud::start().await;
    cloud.issue(AUDIENCE, 0, 3600);
    use_it(&cloud.container(), &cloud.http).await.unwrap();
    assert_eq!(cloud.issuer.calls().len(), 1);
}

#[tokio::test]
async fn a_sas_does_all_that_a_key_does() {
    for sas in [sas_of_container(), sas_of_account()] {
        let azurite = Azurite::start().await;
        azurite.create_container("data").await;
        let http = azure::http_client().unwrap();
        let account = StorageAccount::with_sas(&azurite.endpoint, &sas).unwrap();
        let container = BlobContainer::new(account, "data", http.clone(), eager()).unwrap();
        use_it(&container, &http).await.unwrap();
        let text = format!(
            "BlobEndpoint={}/;SharedAccessSignature={sas};QueueEndpoint=x",
            azurite.endpoint
        );
        let account = StorageAccount::from_connection_string(&text).unwrap();
        let container = BlobContainer::new(account, "data", http.clone(), eager()).unwrap();
        assert_eq!(container.directories("").await.unwrap(), ["dir/"]);
    }
}

#[tokio::test]
async fn a_token_that_expires_on_its_way_is_replaced() {
    let cloud = Cloud::start().await;
    cloud.issue(AUDIENCE, 0, 2);
    let container = cloud.container();
    container.put_bytes("a", "1".into()).await.unwrap();
    // The service's clock goes on, whatever the client takes the token for.
    tokio::time::sleep(Duration::from_secs(3)).await;
    cloud.issue(AUDIENCE, 0, 3600);
    container.put_bytes("a", "2".into()).await.unwrap();
    assert_eq!(container.get_range("a", 0, 9).await.unwrap().unwrap(), "2");
    assert_eq!(cloud.issuer.calls().len(), 2);
}

#[tokio::test]
async fn a_token_that_the_service_does_not_take_is_its_error() {
    let cloud = Cloud::start().await;
    for (audience, from) in
        [("https://batch.core.windows.net/", 0), (AUDIENCE, -7200), (AUDIENCE, 1800)]
    {
        cloud.issue(audience, from, 3600);
        let error = cloud.container().directories("").await.unwrap_err();
        assert!(matches!(error.status(), Some(401 | 403)), "{audience} {from}: {error}");
        assert!(!error.is_retryable(), "{error}");
    }
    assert_eq!(cloud.issuer.calls().len(), 3, "a new token would be no better");
}

#[tokio::test]
async fn an_account_without_keys_is_found_by_its_endpoint() {
    let sas = "sv=1&sp=rwdl&sr=c&sig=canary";
    for (endpoint, name) in [
        ("https://acct.blob.core.windows.net", "acct"),
        ("https://acct.privatelink.blob.core.windows.net/", "acct"),
        ("http://127.0.0.1:1/devstoreaccount1", "devstoreaccount1"),
    ] {
        let account = StorageAccount::with_sas(endpoint, sas).unwrap();
        assert_eq!(account.name(), name);
        assert!(!format!("{account:?}").contains("canary"));
    }
    for bad in ["https://acct.dfs.core.windows.net", "http://acct.blob.core.windows.net", "acct"] {
        assert!(StorageAccount::with_sas(bad, sas).is_err(), "{bad}");
    }
}
