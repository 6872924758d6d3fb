//! Who signs in to Batch, against an issuer and a service that answer as they are told to.

use crate::{
    http1::Received,
    scripted_service::{Reply, ScriptedService, closed_endpoint, eager},
    tls::TlsFront,
};
use azure::{
    ErrorKind, RetryPolicy,
    batch::{BatchClient, Throttle},
    identity::{Identity, Service, Tokens},
};
use std::{collections::HashMap, fs, path::Path, time::Duration};

pub(crate) const TENANT: &str = "11111111-0000-4000-8000-000000000001";
pub(crate) const CLIENT: &str = "22222222-0000-4000-8000-000000000002";
const SECRET: &str = "canary~secret";
pub(crate) const HOUR: u64 = 3600;

/// Batch, and whoever issues tokens for it.
pub(crate) struct Cloud {
    pub(crate) batch: ScriptedService,
    pub(crate) issuer: ScriptedService,
    front: TlsFront,
}

impl Cloud {
    /// Batch accepts as many requests as that.
    pub(crate) async fn start(requests: usize, tokens: impl IntoIterator<Item = Reply>) -> Self {
        let batch = ScriptedService::start((0..requests).map(|_| pool())).await;
        let issuer = ScriptedService::start(tokens).await;
        let front = TlsFront::start(issuer.endpoint.trim_start_matches("http://")).await;
        Self { batch, issuer, front }
    }

    pub(crate) fn client(&self, identity: Identity) -> BatchClient {
        self.client_of(self.tokens(identity, &self.authority(), eager()))
    }

    fn client_of(&self, tokens: Tokens) -> BatchClient {
        let http = azure::http_client().unwrap();
        BatchClient::new(&self.batch.endpoint, tokens, http, eager(), Throttle::default()).unwrap()
    }

    pub(crate) fn authority(&self) -> String {
        format!("https://{}", self.front.address)
    }

    fn tokens(&self, identity: Identity, authority: &str, retry: RetryPolicy) -> Tokens {
        let trusted = fs::read(&self.front.certificate).unwrap();
        let trusted = reqwest::Certificate::from_pem(&trusted).unwrap();
        let http = reqwest::Client::builder().no_proxy().add_root_certificate(trusted);
        let http = http.build().unwrap();
        let variable = |name: &str| (name == "AZURE_AUTHORITY_HOST").then(|| authority.to_owned());
        let batch = (Service::Batch, self.batch.endpoint.as_str());
        Tokens::new(identity, batch, http, retry, variable).unwrap()
    }

    /// The tokens with which Batch was asked.
    fn used(&self) -> Vec<String> {
        let token = |one: &Received| one.headers["authorization"].clone();
        self.batch.received().iter().map(token).collect()
    }
}

fn pool() -> Reply {
    Reply::ok(r#"{"id":"p","state":"active"}"#)
}

pub(crate) fn token(name: &str, seconds: u64) -> Reply {
    Reply::ok(&format!(
        r#"{{"token_type":"Bearer","expires_in":{seconds},"access_token":"canary-{name}"}}"#
    ))
}

fn refusal(status: u16, code: u32, said: &str) -> Reply {
    let said = format!("AADSTS{code}: {said}.\\r\\nTrace ID: t\\r\\nTimestamp: x");
    Reply::new(
        status,
        &[("content-type", "application/json")],
        &format!(
            r#"{{"error":"invalid_client","error_description":"{said}","error_codes":[{code}]}}"#
        ),
    )
}

fn secret() -> Identity {
    Identity::with_secret(TENANT, CLIENT, SECRET).unwrap()
}

/// What a request for a token says.
pub(crate) fn form(request: &Received) -> HashMap<String, String> {
    let text = format!("http://h/?{}", String::from_utf8(request.body.clone()).unwrap());
    reqwest::Url::parse(&text).unwrap().query_pairs().into_owned().collect()
}

fn environment<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    move |name| value(name).map(str::to_owned)
}

#[tokio::test]
async fn one_token_is_asked_for_and_used_for_all_requests() {
    let cloud = Cloud::start(3, [token("a", HOUR)]).await;
    let client = cloud.client(secret());
    for _ in 0..3 {
        client.get_pool("p").await.unwrap();
    }
    assert_eq!(cloud.used(), ["Bearer canary-a"; 3]);
    let asked = cloud.issuer.received();
    assert_eq!(cloud.issuer.calls(), [format!("POST /{TENANT}/oauth2/v2.0/token")]);
    let form = form(&asked[0]);
    assert_eq!(form["client_id"], CLIENT);
    assert_eq!(form["client_secret"], SECRET);
    assert_eq!(form["scope"], "https://batch.core.windows.net//.default");
    assert_eq!(form["grant_type"], "client_credentials");
}

#[tokio::test]
async fn many_that_need_a_token_at_once_wait_for_one() {
    let cloud = Cloud::start(20, [token("a", HOUR)]).await;
    let client = cloud.client(secret());
    let asked = (0..20).map(|_| client.get_pool("p"));
    futures::future::try_join_all(asked).await.unwrap();
    assert_eq!(cloud.issuer.calls().len(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_while_requests_go_on_with_it() {
    let cloud = Cloud::start(3, [token("a", HOUR), token("b", HOUR)]).await;
    let client = cloud.client(secret());
    client.get_pool("p").await.unwrap();
    pass(Duration::from_secs(HOUR - 200)).await;
    client.get_pool("p").await.unwrap();
    until(|| cloud.issuer.calls().len() == 2).await;
    // The answer is on its way.
    while cloud.used().last().unwrap() != "Bearer canary-b" {
        cloud.batch.queue(pool());
        client.get_pool("p").await.unwrap();
    }
    assert_eq!(cloud.used()[..2], ["Bearer canary-a"; 2]);
}

#[tokio::test]
async fn an_issuer_that_is_down_stops_nobody_while_the_token_is_good() {
    let down = refusal(503, 90033, "A transient error has occurred");
    let cloud = Cloud::start(3, [token("a", HOUR), down, token("b", HOUR)]).await;
    let client = cloud.client(secret());
    client.get_pool("p").await.unwrap();
    pass(Duration::from_secs(HOUR - 200)).await;
    client.get_pool("p").await.unwrap();
    until(|| cloud.issuer.calls().len() == 2).await;
    client.get_pool("p").await.unwrap();
    assert_eq!(cloud.used(), ["Bearer canary-a"; 3]);
}

#[tokio::test]
async fn a_token_that_has_expired_is_not_used() {
    let cloud = Cloud::start(2, [token("a", 20), token("b", 20)]).await;
    let client = cloud.client(secret());
    client.get_pool("p").await.unwrap();
    pass(Duration::from_secs(21)).await;
    client.get_pool("p").await.unwrap();
    assert_eq!(cloud.used(), ["Bearer canary-a", "Bearer canary-b"]);
}

#[tokio::test]
async fn a_token_that_batch_refuses_is_replaced_unless_it_is_new() {
    let cloud = Cloud::start(1, [token("a", HOUR), token("b", HOUR), token("c", HOUR)]).await;
    let refused = || Reply::error(401, "AuthenticationFailed");
    for reply in [refused(), pool(), refused(), refused()] {
        cloud.batch.queue(reply);
    }
    let client = cloud.client(secret());
    client.get_pool("p").await.unwrap();
    client.get_pool("p").await.unwrap();
    assert_eq!(client.get_pool("p").await.unwrap_err().status(), Some(401));
    let tokens = ["canary-a", "canary-a", "canary-b", "canary-b", "canary-c"];
    assert_eq!(cloud.used(), tokens.map(|token| format!("Bearer {token}")));
}

/// Both were begun with the token that is refused; the second one learns it when there is another.
#[tokio::test]
async fn two_requests_whose_token_is_refused_share_the_next_one() {
    let cloud = Cloud::start(1, [token("a", HOUR), token("b", HOUR)]).await;
    let client = cloud.client(secret());
    client.get_pool("p").await.unwrap();
    let refused = || Reply::error(401, "AuthenticationFailed");
    for reply in [refused(), refused().after(1), pool(), pool()] {
        cloud.batch.queue(reply);
    }
    let (first, second) = tokio::join!(client.get_pool("p"), client.get_pool("p"));
    first.unwrap();
    second.unwrap();
    assert_eq!(cloud.issuer.calls().len(), 2);
}

#[tokio::test]
async fn a_new_token_that_batch_refuses_is_not_asked_for_again() {
    let cloud = Cloud::start(0, [token("a", HOUR), token("b", HOUR)]).await;
    cloud.batch.queue(Reply::error(401, "AuthenticationFailed"));
    assert_eq!(cloud.client(secret()).get_pool("p").await.unwrap_err().status(), Some(401));
    assert_eq!(cloud.issuer.calls().len(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_busy_is_asked_again() {
    let busy = [
        refusal(503, 90033, "A transient error has occurred"),
        Reply::new(502, &[], "<html><h1>Bad Gateway</h1></html>"),
        Reply::hang_up(),
    ];
    let cloud = Cloud::start(1, busy.into_iter().chain([token("a", HOUR)])).await;
    cloud.client(secret()).get_pool("p").await.unwrap();
    assert_eq!(cloud.issuer.calls().len(), 4);
}

#[tokio::test]
async fn a_refusal_is_final_and_says_who_signed_in_where_and_why_not() {
    let refused = refusal(401, 7_000_215, "Invalid client secret provided");
    let cloud = Cloud::start(0, [refused]).await;
    let error = cloud.client(secret()).sign_in().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot sign in as service principal {CLIENT} with its secret at {}: \
             401 AADSTS7000215: Invalid client secret provided.",
            cloud.authority()
        )
    );
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Service, false));
    assert_eq!(cloud.issuer.calls().len(), 1);
    assert_eq!(cloud.batch.calls(), [""; 0]);
}

#[tokio::test]
async fn answers_that_are_no_tokens_are_said_to_be_so() {
    let long = "x".repeat(300 * 1024);
    for answer in ["", "<html>", "{}", r#"{"access_token":"a\nb","expires_in":60}"#, &long] {
        let cloud = Cloud::start(0, [Reply::ok(answer)]).await;
        let error = cloud.client(secret()).sign_in().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{answer:.20}: {error}");
        assert!(error.to_string().starts_with("cannot sign in as service principal"), "{error}");
    }
}

#[tokio::test]
async fn an_issuer_that_nobody_reaches_is_named() {
    let cloud = Cloud::start(0, []).await;
    let authority = closed_endpoint().await.replace("http://", "https://");
    let tokens = cloud.tokens(secret(), &authority, RetryPolicy::default());
    let error = cloud.client_of(tokens).sign_in().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unreachable, false));
    assert!(error.to_string().contains(&format!("at {authority}: ")), "{error}");
}

#[tokio::test]
async fn the_token_of_a_workload_is_read_anew_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let set = [
        ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap()),
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", "33333333-0000-4000-8000-000000000003"),
    ];
    let identity = Identity::of_environment(None, Some(CLIENT), environment(&set)).unwrap();
    let cloud = Cloud::start(2, [token("a", 20), token("b", 20)]).await;
    let client = cloud.client(identity);
    for content in ["first\n", "second"] {
        fs::write(&file, content).unwrap();
        client.get_pool("p").await.unwrap();
        pass(Duration::from_secs(21)).await;
    }
    let asked: Vec<_> = cloud.issuer.received().iter().map(form).collect();
    assert_eq!([&asked[0]["client_assertion"], &asked[1]["client_assertion"]], ["first", "second"]);
    assert_eq!(asked[0]["client_id"], CLIENT, "what is given goes before the variable");
    fs::remove_file(&file).unwrap();
    let error = client.get_pool("p").await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("the federated token in {} cannot", file.display())),
        "{error}"
    );
}

#[tokio::test]
async fn a_virtual_machine_is_asked_for_its_own_identity_or_for_one_of_its_own() {
    let token = || {
        Reply::ok(
            r#"{"token_type":"Bearer","expires_on":"4102444800","resource":"r","access_token":"canary-m"}"#,
        )
    };
    for client in [None, Some(CLIENT)] {
        let machine = ScriptedService::start([Reply::status(400), token()]).await;
        let set = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.endpoint.as_str())];
        let cloud = Cloud::start(1, []).await;
        let identity = Identity::of_environment(None, client, environment(&set)).unwrap();
        cloud.client(identity).get_pool("p").await.unwrap();
        assert_eq!(cloud.used(), ["Bearer canary-m"]);
        let asked = machine.received().pop().unwrap();
        let url = reqwest::Url::parse(&format!("http://h{}", asked.target)).unwrap();
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(asked.headers["metadata"], "true");
        assert_eq!(url.path(), "/metadata/identity/oauth2/token");
        assert_eq!(query["resource"], "https://batch.core.windows.net/");
        assert_eq!(query.get("client_id").map(String::as_str), client);
    }
}

/// azure_identity reads its variables itself, so this needs a process that has them.
#[tokio::test]
async fn a_container_app_is_asked_where_its_environment_says() {
    let token = r#"{"token_type":"Bearer","expires_on":"4102444800","resource":"r","access_token":"canary-c"}"#;
    let machine = ScriptedService::start([Reply::ok(token)]).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "identities::in_a_container_app", "--ignored", "--nocapture"]);
    child.env("IDENTITY_ENDPOINT", format!("{}/msi/token", machine.endpoint));
    let output = child.env("IDENTITY_HEADER", "header").output().await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("signed in"), "{printed}");
    let asked = machine.received().pop().unwrap();
    assert_eq!(asked.headers["x-identity-header"], "header");
    assert!(asked.target.starts_with("/msi/token?"), "{}", asked.target);
    assert!(asked.target.contains(&format!("client_id={CLIENT}")), "{}", asked.target);
}

#[tokio::test]
#[ignore = "a_container_app_is_asked_where_its_environment_says runs it"]
async fn in_a_container_app() {
    let cloud = Cloud::start(1, []).await;
    let variable = |name: &str| std::env::var(name).ok();
    let identity = Identity::of_environment(None, Some(CLIENT), variable).unwrap();
    cloud.client(identity).get_pool("p").await.unwrap();
    assert_eq!(cloud.used(), ["Bearer canary-c"]);
    println!("signed in");
}

#[tokio::test]
async fn a_server_of_azure_arc_shows_that_it_may_read_a_file_of_its_agent() {
    let keys = tempfile::tempdir().unwrap();
    let file = keys.path().join("1.key");
    fs::write(&file, "Zm9vOmJhcg==\n").unwrap();
    let realm = |path: &Path| {
        let basic = format!("Basic realm={}", path.display());
        Reply::new(401, &[("www-authenticate", basic.as_str())], "")
    };
    let token = r#"{"token_type":"Bearer","expires_on":"4102444800","access_token":"canary-a"}"#;
    let elsewhere = [keys.path().join("../1.key"), "/etc/passwd".into(), keys.path().join("1.txt")];
    let agent = ScriptedService::start([realm(&file), Reply::ok(token)]).await;
    elsewhere.iter().for_each(|path| agent.queue(realm(path)));
    let endpoint = format!("{}/metadata/identity/oauth2/token", agent.endpoint);
    let set = [
        ("IDENTITY_ENDPOINT", endpoint.as_str()),
        ("IMDS_ENDPOINT", &agent.endpoint),
        ("AZURE_ARC_TOKENS_DIR", keys.path().to_str().unwrap()),
    ];
    let cloud = Cloud::start(1, []).await;
    let identity = || Identity::of_environment(None, None, environment(&set)).unwrap();
    cloud.client(identity()).get_pool("p").await.unwrap();
    assert_eq!(cloud.used(), ["Bearer canary-a"]);
    let asked = agent.received();
    let resource = "resource=https%3A%2F%2Fbatch.core.windows.net%2F";
    assert!(asked[0].target.ends_with(resource), "{}", asked[0].target);
    assert!(!asked[0].headers.contains_key("authorization"));
    assert_eq!(asked[1].headers["authorization"], "Basic Zm9vOmJhcg==");
    for path in &elsewhere {
        let error = cloud.client(identity()).sign_in().await.unwrap_err().to_string();
        assert!(error.contains("the agent names no key file in"), "{}: {error}", path.display());
    }
    assert_eq!(agent.received().len(), 2 + elsewhere.len(), "nothing was sent after that");
    assert!(Identity::of_environment(None, Some(CLIENT), environment(&set)).is_err());
}

#[tokio::test]
async fn a_machine_without_that_identity_says_so() {
    let unknown = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let machine = ScriptedService::start([Reply::status(400), Reply::new(400, &[], unknown)]).await;
    let set = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.endpoint.as_str())];
    let cloud = Cloud::start(0, []).await;
    let identity = Identity::of_environment(None, Some(CLIENT), environment(&set)).unwrap();
    let error = cloud.client(identity).sign_in().await.unwrap_err().to_string();
    let start = format!("cannot sign in as managed identity {CLIENT} at {}", machine.endpoint);
    assert!(error.starts_with(&start), "{error}");
    assert!(error.ends_with("400 invalid_request: Identity not found"), "{error}");
}

#[tokio::test]
async fn where_nothing_is_set_up_it_is_said_what_was_looked_for() {
    let nobody = closed_endpoint().await;
    let set = [
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", nobody.as_str()),
        ("AZURE_CLIENT_SECRET", SECRET),
        ("AZURE_CLIENT_ID", CLIENT),
    ];
    let cloud = Cloud::start(0, []).await;
    let identity = Identity::of_environment(None, None, environment(&set)).unwrap();
    let error = cloud.client(identity).sign_in().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unreachable, false));
    for tried in [
        "AZURE_CLIENT_SECRET is set, but neither tenantId nor AZURE_TENANT_ID",
        "AZURE_CLIENT_CERTIFICATE_PATH is not set",
        "AZURE_FEDERATED_TOKEN_FILE is not set",
        "this machine has no managed identity",
        &nobody,
    ] {
        assert!(error.to_string().contains(tried), "{tried}: {error}");
    }
}

#[test]
fn ids_that_cannot_be_are_refused_without_showing_them() {
    for (tenant, client) in [("", CLIENT), ("canary/..", CLIENT), (TENANT, "canary"), (TENANT, "")]
    {
        let error = Identity::with_secret(tenant, client, SECRET).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    assert!(Identity::with_secret("contoso.onmicrosoft.com", CLIENT, SECRET).is_ok());
}

#[test]
fn tokens_go_to_hosts_of_azure_alone() {
    let (batch, storage) = (Service::Batch, Service::Storage);
    for (service, good) in [
        (batch, "https://acct.westeurope.batch.azure.com"),
        (batch, "https://ACCT.usgovvirginia.batch.usgovcloudapi.net/"),
        (batch, "http://127.0.0.1:10100"),
        (storage, "https://acct.blob.core.windows.net"),
        (storage, "https://acct.z6.blob.storage.azure.net"),
        (storage, "http://localhost:10000/devstoreaccount1"),
    ] {
        assert!(service.check_host(good).is_ok(), "{good}");
    }
    for (service, bad) in [
        (batch, "https://acct.blob.core.windows.net"),
        (batch, "https://batch.azure.com.example.com"),
        (batch, "https://evilbatch.azure.com"),
        (storage, "https://files.example.com"),
        (storage, "https://acct.blob.core.windows.net.example.com"),
        (storage, "https://acct.blob.core.windows.net@example.com"),
    ] {
        let error = service.check_host(bad).unwrap_err().to_string();
        assert!(error.contains("hosts of Azure alone"), "{bad}: {error}");
    }
}

#[tokio::test]
async fn neither_a_secret_nor_a_token_is_shown() {
    let cloud = Cloud::start(0, [token("a", HOUR)]).await;
    cloud.batch.queue(Reply::error(403, "Quota"));
    let client = cloud.client(secret());
    let error = client.get_pool("p").await.unwrap_err();
    let shown = format!("{error} {error:?} {client:?} {:?}", secret());
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains(CLIENT), "{shown}");
}

/// Lets so much time pass for the client.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come true within ten seconds");
}
