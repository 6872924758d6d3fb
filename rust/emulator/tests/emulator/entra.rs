//! Microsoft Entra ID: the token endpoint, and what the Batch account accepts.

use azure_batch_emulator::{AuthenticationMode, Fault, Proof, Role};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::Reply;
use crate::support::entra::{
    BATCH, CLIENT, SECRET, TENANT, access_token, application, expect_refusal, principal, tenant,
    tenant_of, tenant_with, with_secret,
};
use crate::support::pools::container_pool;
use crate::support::{Cloud, merged};

/// Returns a part of a token: 0 is the header, 1 the claims.
fn decoded(token: &str, part: usize) -> Value {
    let part = token.split('.').nth(part).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Checks that the Batch account does not accept a token. Returns why.
fn expect_rejected(reply: Reply) -> String {
    let reply = reply.expect_error(401, "AuthenticationFailed");
    let message = reply.body["message"]["value"].as_str().unwrap();
    assert!(message.contains("Authorization header is formed correctly."), "{message}");
    reply.value("AuthenticationErrorDetail").to_owned()
}

#[tokio::test]
async fn an_application_with_its_secret_gets_a_token_that_the_account_accepts() {
    let cloud = tenant().await;
    let reply = cloud.ask_for_token(&with_secret(BATCH)).await.expect(200);
    assert_eq!(reply.body["token_type"], "Bearer");
    assert_eq!(
        (&reply.body["expires_in"], reply.header("cache-control")),
        (&json!(3600), "no-store, no-cache")
    );
    let token = reply.body["access_token"].as_str().unwrap();
    let authorization = format!("Bearer {token}");
    cloud.client.get("/pools/pool").send_with(&authorization).await.expect(200);
    let claims = decoded(token, 1);
    let object_id = application(&[]).object_id().to_string();
    for (claim, value) in [
        ("aud", "https://batch.core.windows.net/".to_owned()),
        ("iss", format!("https://sts.windows.net/{TENANT}/")),
        ("tid", TENANT.to_string()),
        ("appid", CLIENT.to_string()),
        ("oid", object_id.clone()),
        ("sub", object_id),
        ("ver", "1.0".to_owned()),
    ] {
        assert_eq!(claims[claim], value, "{claims}");
    }
    let [start, end] = ["nbf", "exp"].map(|name| claims[name].as_i64().unwrap());
    assert_eq!((end - start, &claims["iat"]), (3900, &claims["nbf"]));
}

#[tokio::test]
async fn the_public_keys_of_a_tenant_verify_its_tokens() {
    let cloud = tenant().await;
    let keys = |tenant: Uuid| {
        cloud.client.http.get(format!("{}/{tenant}/discovery/v2.0/keys", cloud.issuer()))
    };
    let reply = cloud.client.reply(keys(TENANT).build().unwrap()).await.unwrap().expect(200);
    let token = access_token(&cloud.ask_for_token(&with_secret(BATCH)).await.expect(200));
    let key = &reply.body["keys"][0];
    assert_eq!((&key["kty"], &key["crv"]), (&json!("EC"), &json!("P-256")));
    assert_eq!(key["kid"], decoded(&token, 0)["kid"]);
    let [x, y] =
        ["x", "y"].map(|name| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap());
    let point = [vec![4], x, y].concat();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let other = keys(Uuid::from_u128(99)).build().unwrap();
    assert_eq!(cloud.client.reply(other).await.unwrap().status, 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_token_is_said_as_entra_says_it() {
    let expired = Proof::ExpiredSecret("old".to_owned());
    let proofs = vec![Proof::Secret(SECRET.to_owned()), expired];
    let managed = Uuid::from_u128(7);
    let cloud = tenant_of(vec![
        principal(CLIENT, proofs, &[]),
        principal(managed, vec![Proof::SystemAssigned], &[]),
    ])
    .await;
    let managed = managed.to_string();
    let cases: [(&str, &str, u16, &str, u32, &str); 14] = [
        (
            "client_secret",
            "wrong",
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided.",
        ),
        ("client_secret", "old", 401, "invalid_client", 7000222, "secret keys for app"),
        (
            "client_secret",
            "",
            401,
            "invalid_client",
            7000218,
            "'client_assertion' or 'client_secret'",
        ),
        (
            "client_id",
            "11111111-1111-1111-1111-111111111111",
            400,
            "unauthorized_client",
            700016,
            "not found in the directory",
        ),
        ("client_id", "me", 400, "unauthorized_client", 700016, "Application with identifier 'me'"),
        ("client_id", &managed, 400, "unauthorized_client", 700016, "not found"),
        ("client_id", "", 400, "invalid_request", 900144, "parameter: 'client_id'"),
        ("grant_type", "", 400, "invalid_request", 900144, "parameter: 'grant_type'"),
        ("grant_type", "password", 400, "unsupported_grant_type", 70003, "'password'"),
        ("scope", "", 400, "invalid_request", 900144, "parameter: 'scope'"),
        (
            "scope",
            "https://batch.core.windows.net/",
            400,
            "invalid_scope",
            1002012,
            "/.default suffixed",
        ),
        (
            "scope",
            "https://vault.azure.net/.default",
            400,
            "invalid_resource",
            500011,
            "https://vault.azure.net was not found",
        ),
        (
            "scope",
            "https://batch.core.windows.net///.default",
            400,
            "invalid_resource",
            500011,
            "windows.net//",
        ),
        ("client_assertion", "a.b.c", 400, "invalid_request", 900144, "'client_assertion_type'"),
    ];
    for (name, value, status, error, code, part) in cases {
        let mut form = with_secret(BATCH).to_vec();
        form.retain(|(known, _)| *known != name);
        form.push((name, value));
        let description = expect_refusal(cloud.ask_for_token(&form).await, status, error, code);
        assert!(description.contains(part), "{description}");
        let times = [" Trace ID: ", " Correlation ID: ", " Timestamp: "];
        assert!(times.iter().all(|part| description.contains(part)), "{description}");
        assert!(!description.contains(SECRET), "{description}");
    }
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_is_named_and_the_clients_id_of_the_request_returned() {
    let cloud = tenant().await;
    let url = format!("{}/{CLIENT}/oauth2/v2.0/token", cloud.issuer());
    let request = cloud.client.http.post(url).form(&with_secret(BATCH));
    let request = request.header("client-request-id", "my-id").build().unwrap();
    let reply = cloud.client.reply(request).await.unwrap();
    assert_eq!(reply.body["correlation_id"], "my-id");
    let description = expect_refusal(reply, 400, "invalid_request", 90002);
    assert!(description.contains(&format!("Tenant '{CLIENT}' not found.")), "{description}");
}

#[tokio::test]
async fn the_audience_of_a_token_is_exactly_its_scope_without_the_default() {
    let cloud = tenant().await;
    for (scope, audience) in [
        (BATCH, "https://batch.core.windows.net/"),
        ("https://batch.core.windows.net/.default", "https://batch.core.windows.net"),
        ("https://storage.azure.com/.default", "https://storage.azure.com"),
        ("https://storage.azure.com//.default", "https://storage.azure.com/"),
    ] {
        let token = cloud.token(scope).await;
        assert_eq!(decoded(&token, 1)["aud"], audience);
        let reply = cloud.client.get("/jobs").send_with(&format!("Bearer {token}")).await;
        if scope == BATCH {
            reply.expect(200);
        } else {
            let detail = expect_rejected(reply);
            assert!(
                detail.contains(&format!("resource '{audience}'. It should exactly match")),
                "{detail}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_is_valid_by_the_clock_of_the_account_without_tolerance() {
    for (minutes, part) in [
        (-6, Some("is not valid before")),
        (-4, None),
        (59, None),
        (61, Some("The access token expiry UTC time")),
    ] {
        let roles = [Role::AzureBatchAccountReader];
        let cloud = tenant_with(vec![application(&roles)], |settings| {
            settings.clock_offset = minutes;
        })
        .await;
        let reply = cloud.client.get("/jobs").send_with(&cloud.bearer().await).await;
        match part {
            Some(part) => {
                let detail = expect_rejected(reply);
                assert!(detail.contains(part), "{minutes}: {detail}");
            }
            None => drop(reply.expect(200)),
        }
    }
}

#[tokio::test]
async fn a_token_that_was_changed_or_signed_by_another_tenant_is_rejected() {
    let (cloud, other) = (tenant().await, tenant().await);
    let token = cloud.token(BATCH).await;
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = decoded(&token, 1);
    claims["exp"] = json!(4_000_000_000_i64);
    let longer = URL_SAFE_NO_PAD.encode(claims.to_string());
    let none = URL_SAFE_NO_PAD.encode(json!({"typ": "JWT", "alg": "none"}).to_string());
    for forged in [
        format!("{}.{longer}.{}", parts[0], parts[2]),
        format!("{none}.{longer}."),
        format!("{}.{}.AAAA", parts[0], parts[1]),
        other.token(BATCH).await,
        "a.b.c".to_owned(),
    ] {
        let reply = cloud.client.get("/jobs").send_with(&format!("Bearer {forged}")).await;
        let detail = expect_rejected(reply);
        assert!(detail.contains("invalid"), "{detail}");
    }
    cloud.client.get("/jobs").send_with(&format!("Bearer {token}")).await.expect(200);
}

#[tokio::test]
async fn a_token_of_another_tenant_is_rejected_by_its_issuer() {
    let other = Uuid::from_u128(5);
    let principals = vec![application(&[Role::AzureBatchAccountReader])];
    let cloud = tenant_with(principals, |settings| {
        settings.entra.as_mut().unwrap().other_tenants = vec![other];
    })
    .await;
    let url = format!("{}/{other}/oauth2/v2.0/token", cloud.issuer());
    let request = cloud.client.http.post(url).form(&with_secret(BATCH)).build().unwrap();
    let token = access_token(&cloud.client.reply(request).await.unwrap().expect(200));
    let detail =
        expect_rejected(cloud.client.get("/jobs").send_with(&format!("Bearer {token}")).await);
    assert_eq!(
        detail,
        format!(
            "The access token is from the wrong issuer 'https://sts.windows.net/{other}/'. It must \
             match the tenant 'https://sts.windows.net/{TENANT}/' associated with this subscription."
        )
    );
}

/// The operations that are tried with each role: method, path, body.
fn operations() -> [(&'static str, &'static str, Value); 12] {
    let pool = json!({"poolInfo": {"poolId": "pool"}});
    let schedule = json!({"id": "s", "schedule": {}, "jobSpecification": pool});
    let none = || Value::Null;
    [
        ("GET", "/pools/pool", none()),
        ("GET", "/pools/pool/nodes", none()),
        ("GET", "/nodecounts", none()),
        ("GET", "/supportedimages", none()),
        ("PATCH", "/pools/pool", json!({"metadata": []})),
        ("GET", "/jobs", none()),
        ("GET", "/jobs/job/tasks/none/files/stdout.txt", none()),
        ("POST", "/jobs", merged(json!({"id": "new"}), pool)),
        ("POST", "/jobs/job/terminate", none()),
        ("GET", "/jobschedules", none()),
        ("POST", "/jobschedules", schedule),
        ("DELETE", "/jobs/job", none()),
    ]
}

/// Returns the paths of the operations that are allowed, each after its method.
async fn allowed(roles: &[Role]) -> Vec<String> {
    let cloud = tenant_of(vec![application(roles)]).await;
    cloud.job("job").await;
    let authorization = cloud.bearer().await;
    let mut allowed = Vec::new();
    for (method, path, body) in operations() {
        let request = cloud.client.request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let reply = request.send_with(&authorization).await;
        if reply.status == 403 {
            reply.expect_error(403, "InsufficientAccountPermissions");
        } else {
            assert!(reply.status < 300 || reply.status == 404, "{path}: {}", reply.text);
            allowed.push(format!("{method} {path}"));
        }
    }
    allowed
}

#[tokio::test]
async fn each_role_allows_what_its_definition_says() {
    let named = operations().map(|(method, path, _)| format!("{method} {path}"));
    let reads: Vec<_> = named.iter().filter(|one| one.starts_with("GET ")).cloned().collect();
    let without_pool: Vec<_> =
        named.iter().filter(|one| !one.starts_with("PATCH ")).cloned().collect();
    for (roles, expected) in [
        (vec![], vec![]),
        (vec![Role::AzureBatchAccountReader], reads),
        (vec![Role::AzureBatchJobSubmitter], without_pool),
        (vec![Role::AzureBatchDataContributor], named.to_vec()),
        (vec![Role::AzureBatchAccountContributor], named.to_vec()),
        (vec![Role::AzureBatchAccountReader, Role::AzureBatchDataContributor], named.to_vec()),
    ] {
        assert_eq!(allowed(&roles).await, expected, "{roles:?}");
    }
}

#[tokio::test]
async fn a_job_with_an_auto_pool_needs_the_right_to_create_pools() {
    let mut pool = container_pool("x");
    pool.as_object_mut().unwrap().remove("id");
    let auto = json!({"poolLifetimeOption": "job", "pool": pool});
    let info = json!({"poolInfo": {"autoPoolSpecification": auto}});
    let job = merged(json!({"id": "job"}), info.clone());
    let schedule = json!({"id": "s", "schedule": {}, "jobSpecification": info});
    for (role, status) in
        [(Role::AzureBatchJobSubmitter, 403), (Role::AzureBatchDataContributor, 201)]
    {
        let cloud = tenant_of(vec![application(&[role])]).await;
        let authorization = cloud.bearer().await;
        for (path, body) in [("/jobs", &job), ("/jobschedules", &schedule)] {
            cloud.client.post(path).json(body).send_with(&authorization).await.expect(status);
        }
    }
}

/// Starts a cloud whose account allows these modes.
async fn allowing(modes: &[AuthenticationMode]) -> Cloud {
    let principals = vec![application(&[Role::AzureBatchAccountReader])];
    tenant_with(principals, |settings| settings.authentication_modes = modes.to_vec()).await
}

#[tokio::test]
async fn an_account_refuses_the_ways_to_authenticate_that_it_does_not_allow() {
    use AuthenticationMode::{Aad, SharedKey, TaskAuthenticationToken};
    let not_allowed = |name: &str| {
        format!("The specified type of authentication {name} is not allowed for this account.")
    };
    let cloud = allowing(&[Aad]).await;
    let reply = cloud.get("/jobs").await.expect_error(403, "AuthenticationFailed");
    assert_eq!(reply.value("AuthenticationErrorDetail"), not_allowed("SharedKey"));
    let reply = cloud.client.get("/jobs/job").send_with("Bearer 0123").await;
    let reply = reply.expect_error(403, "AuthenticationFailed");
    assert_eq!(reply.value("AuthenticationErrorDetail"), not_allowed("TaskAuthenticationToken"));
    cloud.client.get("/jobs").send_with(&cloud.bearer().await).await.expect(200);
    let cloud = allowing(&[SharedKey, TaskAuthenticationToken]).await;
    let detail = expect_rejected(cloud.client.get("/jobs").send_with(&cloud.bearer().await).await);
    assert_eq!(detail, not_allowed("AAD"));
    cloud.get("/jobs").await.expect(200);
}

#[tokio::test]
async fn without_a_tenant_there_is_no_issuer_and_no_token_of_entra_is_accepted() {
    let cloud = Cloud::start().await;
    assert_eq!(cloud.emulator.issuer_endpoint(), None);
    let authorization = tenant().await.bearer().await;
    let reply = cloud.client.get("/jobs").send_with(&authorization).await;
    reply.expect_error(403, "AuthenticationFailed");
}

#[tokio::test]
async fn the_issuer_can_be_down_or_slow_while_the_account_is_not() {
    let cloud = tenant().await;
    let inject = |fault: &str| cloud.emulator.inject(fault.parse::<Fault>().unwrap());
    inject("any=503");
    cloud.ask_for_token(&with_secret(BATCH)).await.expect(200);
    cloud.emulator.clear_faults();
    inject("get-token#1=503,retry-after=7");
    inject("get-token#2=429");
    inject("get-token#3=drop-before");
    inject("get-token#4=delay,ms=1");
    for status in [503, 429] {
        let reply = cloud.ask_for_token(&with_secret(BATCH)).await;
        assert_eq!(reply.header("retry-after"), if status == 503 { "7" } else { "" });
        expect_refusal(reply, status, "temporarily_unavailable", 90033);
        cloud.get("/jobs").await.expect(200);
    }
    let request = cloud.client.http.post(cloud.token_endpoint()).form(&with_secret(BATCH));
    assert!(request.send().await.is_err());
    cloud.ask_for_token(&with_secret(BATCH)).await.expect(200);
    assert_eq!(cloud.emulator.faults().iter().map(|count| count.fired).collect::<Vec<_>>(), [1; 4]);
}

#[tokio::test]
async fn requests_for_tokens_are_recorded_without_secrets_and_tokens() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let principals = vec![application(&[Role::AzureBatchAccountReader])];
    let cloud = tenant_with(principals, |settings| settings.request_log = Some(log.clone())).await;
    let token = cloud.token(BATCH).await;
    cloud.client.get("/jobs").send_with(&format!("Bearer {token}")).await.expect(200);
    let mut wrong = with_secret(BATCH);
    wrong[2].1 = "another-s3cret";
    cloud.ask_for_token(&wrong).await.expect(401);
    let requests = cloud.emulator.requests();
    let seen: Vec<_> = requests.iter().map(|one| (one.operation.unwrap(), one.status)).collect();
    assert_eq!(seen, [("Get Token", 200), ("List Jobs", 200), ("Get Token", 401)]);
    assert_eq!(requests[2].code.as_deref(), Some("AADSTS7000215"));
    let written = std::fs::read_to_string(log).unwrap() + &format!("{requests:?}");
    for secret in [&token, SECRET, "another-s3cret"] {
        assert!(!written.contains(secret), "{written}");
    }
}

#[tokio::test]
async fn settings_are_shown_without_secrets() {
    let cloud = tenant().await;
    let url = format!("{}/_emulator/settings", cloud.emulator.endpoint());
    let request = cloud.client.http.get(url).build().unwrap();
    let shown = cloud.client.reply(request).await.unwrap();
    assert_eq!(shown.body["entra"]["tenant"], TENANT.to_string());
    let principal = &shown.body["entra"]["principals"][0];
    assert_eq!(principal["client-id"], CLIENT.to_string());
    assert_eq!(principal["roles"], json!(["azure-batch-account-contributor"]));
    let modes = json!(["SharedKey", "AAD", "TaskAuthenticationToken"]);
    assert_eq!(shown.body["authentication-modes"], modes);
    assert!(!shown.text.contains(SECRET), "{}", shown.text);
}
