//! Runs of identities of Entra ID: the emulator's issuer gives them tokens, and its account looks at these.

use std::process::Command;
use std::time::Duration;

use azure::RetryPolicy;
use azure::blob::SasPermissions;
use azure_batch_emulator::{
    EntraSettings, LinkedStorage, PoolSettings, Principal, Proof, RequestRecord, Role, Settings,
};
use runner::{Network, Plan, Request, Status};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::azurite::{self, Azurite};
use crate::nodes::release;
use crate::oauth_azurite::{self, Front};
use crate::support::{Lab, POOL, Report, Run, job_id, next_attempt, renamed, usual};
use crate::tls::TlsFront;

const TENANT: &str = "11111111-0000-4000-8000-000000000001";
/// One whose tokens the account does not accept.
const OTHER_TENANT: &str = "11111111-0000-4000-8000-000000000002";
const CLIENT: &str = "22222222-0000-4000-8000-000000000001";
/// One without a role.
const NOBODY: &str = "22222222-0000-4000-8000-000000000002";
/// One that may only read.
const READER: &str = "22222222-0000-4000-8000-000000000003";
/// One of the pool's.
const IDENTITY: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nodes";
/// One that is assigned to this machine.
const ASSIGNED: &str = "22222222-0000-4000-8000-000000000004";
const SECRET: &str = "canary~secret";
const EXPIRED: &str = "canary~expired";
const SUBJECT: &str = "system:serviceaccount:kestra:worker";

/// A lab that knows principals, and a worker that can be told who it is.
struct Tenant {
    lab: Lab,
    issuer: TlsFront,
    directory: TempDir,
}

impl Tenant {
    async fn start() -> Self {
        Self::start_with(usual(), Duration::from_secs(3600)).await
    }

    async fn start_with(settings: Settings, token_life: Duration) -> Self {
        Self::start_at(settings, token_life, Azurite::start().await).await
    }

    /// The storage account accepts tokens too.
    async fn start_with_storage() -> (Self, Front) {
        let (azurite, front) = oauth_azurite::start().await;
        (Self::start_at(usual(), Duration::from_secs(3600), azurite).await, front)
    }

    async fn start_at(settings: Settings, token_life: Duration, azurite: Azurite) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let certificate = make_certificate(&directory, "own");
        let certificate =
            certificate[certificate.find("-----BEGIN CERTIFICATE").unwrap()..].to_owned();
        let mut entra = EntraSettings::new(id(TENANT));
        entra.token_life = token_life;
        entra.other_tenants = vec![id(OTHER_TENANT)];
        let all = vec![
            Proof::Secret(SECRET.to_owned()),
            Proof::ExpiredSecret(EXPIRED.to_owned()),
            Proof::Certificate(certificate),
            Proof::Federated(SUBJECT.to_owned()),
            Proof::SystemAssigned,
        ];
        let secret = || vec![Proof::Secret(SECRET.to_owned())];
        entra.principals = vec![
            principal(CLIENT, all, &[Role::AzureBatchJobSubmitter]),
            principal(NOBODY, secret(), &[]),
            principal(READER, secret(), &[Role::AzureBatchAccountReader]),
            principal(ASSIGNED, vec![Proof::UserAssigned(None)], &[Role::AzureBatchJobSubmitter]),
        ];
        let identity = vec![IDENTITY.to_owned()];
        let pool = PoolSettings { identities: identity, ..POOL.into() };
        let linked = linked(&azurite);
        let settings = Settings {
            entra: Some(entra),
            auto_storage: Some(linked),
            pools: vec![pool],
            ..settings
        };
        let lab = Lab::start_at(settings, tempfile::tempdir().unwrap(), azurite).await;
        let issuer = lab.emulator.issuer_endpoint().unwrap();
        let issuer = TlsFront::start(issuer.trim_start_matches("http://")).await;
        Self { lab, issuer, directory }
    }

    /// A worker with these variables in its environment.
    fn worker(&self, variables: &[(&'static str, String)]) -> Network {
        let trusted = std::fs::read(&self.issuer.certificate).unwrap();
        let trusted = reqwest::Certificate::from_pem(&trusted).unwrap();
        let http = reqwest::Client::builder().no_proxy().add_root_certificate(trusted);
        let authority = ("AZURE_AUTHORITY_HOST", format!("https://{}", self.issuer.address));
        let machine =
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", self.lab.emulator.issuer_endpoint().unwrap());
        let set: Vec<_> =
            [authority, machine].into_iter().chain(variables.iter().cloned()).collect();
        Network::over(http.build().unwrap()).with_environment(move |name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        })
    }

    fn request(&self, script: &str, properties: Value) -> Value {
        let mut request = self.lab.request(script);
        request["accessKey"] = json!(null);
        request.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        request
    }

    async fn run(&self, properties: Value, variables: &[(&'static str, String)]) -> Report {
        let request = renamed(&self.request("cat in.txt", properties));
        self.lab.write("in.txt", b"hello\n");
        start(&request, &self.worker(variables)).ended().await
    }

    /// The file of a workload, with a token of its cluster for this subject.
    fn federated(&self, subject: &str) -> (&'static str, String) {
        let file = self.directory.path().join("federated");
        let token = self.lab.emulator.federated_token(subject, Duration::from_secs(600));
        std::fs::write(&file, token.unwrap()).unwrap();
        ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap().to_owned())
    }

    /// The task as Batch knows it.
    async fn task(&self, request: &Value) -> String {
        let http = azure::http_client().unwrap();
        let issuer = self.lab.emulator.issuer_endpoint().unwrap();
        let scope = "https://batch.core.windows.net//.default";
        let form = format!(
            "grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&scope={scope}"
        );
        let asked = http.post(format!("{issuer}/{TENANT}/oauth2/v2.0/token")).body(form);
        let asked = asked.header("content-type", "application/x-www-form-urlencoded");
        let answer: Value =
            serde_json::from_str(&asked.send().await.unwrap().text().await.unwrap()).unwrap();
        let (endpoint, id) = (self.lab.emulator.endpoint(), job_id(request));
        let task = http.get(format!("{endpoint}/jobs/{id}/tasks/{id}?api-version=2025-06-01"));
        let task = task.bearer_auth(answer["access_token"].as_str().unwrap());
        task.send().await.unwrap().text().await.unwrap()
    }

    fn tokens_asked_for(&self) -> usize {
        let requests = self.lab.emulator.requests();
        let issued =
            |request: &&RequestRecord| request.path.ends_with("/token") && request.status == 200;
        requests.iter().filter(issued).count()
    }
}

/// The account as the nodes reach it by an identity of their pool.
fn linked(azurite: &Azurite) -> LinkedStorage {
    let Azurite { endpoint, .. } = azurite;
    let (account, key) = (azurite::ACCOUNT, azurite::KEY);
    format!("AccountName={account};AccountKey={key};BlobEndpoint={endpoint}").parse().unwrap()
}

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn principal(client: &str, proofs: Vec<Proof>, roles: &[Role]) -> Principal {
    Principal { client_id: id(client), proofs, roles: roles.to_vec() }
}

fn start(request: &Value, worker: &Network) -> Run {
    // What is refused for good is not tried for long.
    let retry = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
    Run::retrying(retry, request, worker)
}

fn secret(client: &str) -> Value {
    json!({"tenantId": TENANT, "clientId": client, "clientSecret": SECRET})
}

/// A key and its certificate, as one text.
fn make_certificate(directory: &TempDir, name: &str) -> String {
    let options = format!(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"
    );
    let mut openssl = Command::new("openssl");
    let output = openssl.args(options.split_whitespace()).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |end: &str| std::fs::read_to_string(directory.path().join(format!("{name}.{end}")));
    read("key").unwrap() + &read("pem").unwrap()
}

#[tokio::test]
async fn every_identity_runs_a_task_without_the_accounts_key() {
    let tenant = Tenant::start().await;
    let pem = std::fs::read_to_string(tenant.directory.path().join("own.key")).unwrap()
        + &std::fs::read_to_string(tenant.directory.path().join("own.pem")).unwrap();
    let variable = |name, value: &str| (name, value.to_owned());
    let [client, of_tenant] =
        [variable("AZURE_CLIENT_ID", CLIENT), variable("AZURE_TENANT_ID", TENANT)];
    let file = tenant.directory.path().join("pem");
    std::fs::write(&file, &pem).unwrap();
    let certificate = variable("AZURE_CLIENT_CERTIFICATE_PATH", file.to_str().unwrap());
    let of_client = json!({"tenantId": TENANT, "clientId": CLIENT});
    let cases = [
        (secret(CLIENT), vec![]),
        (json!({"tenantId": TENANT, "clientId": CLIENT, "pemCertificate": pem}), vec![]),
        (
            json!({}),
            vec![client.clone(), of_tenant.clone(), variable("AZURE_CLIENT_SECRET", SECRET)],
        ),
        (json!({}), vec![client.clone(), of_tenant.clone(), certificate]),
        (json!({}), vec![client, of_tenant, tenant.federated(SUBJECT)]),
        (of_client, vec![tenant.federated(SUBJECT)]),
        (json!({}), vec![]),
        (json!({"clientId": ASSIGNED}), vec![]),
    ];
    for (number, (properties, variables)) in cases.into_iter().enumerate() {
        let report = tenant.run(properties, &variables).await;
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{number}: {report:?}");
        assert_eq!(report.stdout, ["hello"], "{number}");
        assert_eq!(tenant.tokens_asked_for(), number + 1);
        assert!(!format!("{report:?}").contains("canary"));
    }
    assert!(tenant.lab.blobs().await.is_empty());
}

#[tokio::test]
async fn an_identity_that_cannot_sign_in_is_refused_by_the_property_that_is_to_blame() {
    let tenant = Tenant::start().await;
    let other = make_certificate(&tenant.directory, "other");
    let unknown = "99999999-0000-4000-8000-000000000009";
    let with = |name: &str, value: &str| {
        let mut properties = secret(CLIENT);
        properties[name] = json!(value);
        properties
    };
    let certificate = json!({"tenantId": TENANT, "clientId": CLIENT, "pemCertificate": other});
    let workload = json!({"tenantId": TENANT, "clientId": CLIENT});
    let cases = [
        (with("clientSecret", "canary~wrong"), vec![], "clientSecret: ", "AADSTS7000215"),
        (with("clientSecret", EXPIRED), vec![], "clientSecret: it has expired", "AADSTS7000222"),
        (with("clientId", unknown), vec![], "clientId: ", "AADSTS700016"),
        (with("tenantId", unknown), vec![], "tenantId: ", "AADSTS90002"),
        (certificate, vec![], "pemCertificate: ", "AADSTS700027"),
        (workload, vec![tenant.federated("somebody")], "clientId: no federated", "AADSTS700213"),
        (json!({"clientId": unknown}), vec![], "clientId: this machine", "Identity not found"),
    ];
    for (properties, variables, start, code) in cases {
        let report = tenant.run(properties, &variables).await;
        let message = report.outcome().message.clone().unwrap();
        assert_eq!(report.outcome().status, Status::Invalid, "{message}");
        assert!(message.starts_with(start) && message.contains(code), "{start}: {message}");
        assert!(!message.contains("canary"), "{message}");
    }
    let others = tenant.lab.changes().into_iter().filter(|change| !change.ends_with("/token"));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn an_identity_that_the_account_does_not_let_in_is_told_what_it_lacks() {
    let tenant = Tenant::start().await;
    let mut of_other_tenant = secret(CLIENT);
    of_other_tenant["tenantId"] = json!(OTHER_TENANT);
    for (properties, start, next) in [
        (
            of_other_tenant,
            "clientId: the service principal",
            "tenant of the account's subscription",
        ),
        (secret(NOBODY), "clientId: the service principal", "'Azure Batch Job Submitter'"),
    ] {
        let report = tenant.run(properties, &[]).await;
        let message = report.outcome().message.clone().unwrap();
        assert_eq!(report.outcome().status, Status::Invalid, "{message}");
        assert!(message.starts_with(start) && message.contains(next), "{message}");
    }
    let report = tenant.run(secret(READER), &[]).await;
    let message = report.outcome().message.clone().unwrap();
    assert_eq!(report.outcome().status, Status::Failed, "{message}");
    assert!(message.contains("'Azure Batch Job Submitter'"), "{message}");
    assert!(tenant.lab.jobs().await.is_empty());
    assert!(tenant.lab.blobs().await.is_empty());
}

#[tokio::test]
async fn a_clock_that_is_off_is_named() {
    for clock_offset in [-120, 120] {
        let settings = Settings { clock_offset, ..usual() };
        let tenant = Tenant::start_with(settings, Duration::from_secs(3600)).await;
        let report = tenant.run(secret(CLIENT), &[]).await;
        let message = report.outcome().message.clone().unwrap();
        assert!(message.contains("this machine's clock"), "{clock_offset}: {message}");
    }
}

#[tokio::test]
async fn a_run_outlives_its_tokens_with_a_few_requests_for_new_ones() {
    let tenant = Tenant::start_with(usual(), Duration::from_secs(2)).await;
    let request = tenant.request("for n in 1 2 3 4 5 6; do echo $n; sleep 1; done", secret(CLIENT));
    let report = start(&request, &tenant.worker(&[])).ended().await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    assert_eq!(report.stdout, ["1", "2", "3", "4", "5", "6"]);
    let (asked, all) = (tenant.tokens_asked_for(), tenant.lab.emulator.requests().len());
    assert!((3..=all / 3).contains(&asked), "{asked} of {all}");
}

#[tokio::test]
async fn a_worker_with_another_identity_goes_on_with_the_run() {
    let tenant = Tenant::start().await;
    let script = "echo begins; until [ -e go ]; do sleep 0.1; done; echo ends";
    let request = tenant.request(script, secret(CLIENT));
    let mut first = start(&request, &tenant.worker(&[]));
    first.until_line("begins").await;
    drop(first.leave());
    let mut next = next_attempt(&request);
    next["clientId"] = json!(ASSIGNED);
    next["clientSecret"] = json!(null);
    next["tenantId"] = json!(null);
    let second = start(&next, &tenant.worker(&[]));
    release(&tenant.lab, "no node").await;
    let report = second.ended().await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    assert_eq!(tenant.lab.jobs_created(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_down_for_a_moment_stops_nobody_and_one_that_stays_down_is_named() {
    let fault = |text: &str| vec![text.parse().unwrap()];
    let settings = Settings { faults: fault("get-token#1=503"), ..usual() };
    let tenant = Tenant::start_with(settings, Duration::from_secs(3600)).await;
    let report = tenant.run(secret(CLIENT), &[]).await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    let settings = Settings { faults: fault("get-token=503"), ..usual() };
    let tenant = Tenant::start_with(settings, Duration::from_secs(3600)).await;
    let report = tenant.run(secret(CLIENT), &[]).await;
    let message = report.outcome().message.clone().unwrap();
    assert_eq!(report.outcome().status, Status::Failed);
    assert!(message.contains("cannot sign in as service principal"), "{message}");
    assert!(message.contains(&tenant.issuer.address), "{message}");
}

#[tokio::test]
async fn runs_of_one_worker_share_their_tokens() {
    let tenant = Tenant::start().await;
    let worker = tenant.worker(&[]);
    let request = tenant.request("echo done", secret(CLIENT));
    let runs = (0..4).map(|_| start(&renamed(&request), &worker).ended());
    for report in futures::future::join_all(runs).await {
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    }
    assert_eq!(tenant.tokens_asked_for(), 1);
}

/// A task whose files go in and out, on an account that is given to it as these properties say.
fn with_files(tenant: &Tenant, storage: Value) -> Value {
    let mut request = tenant.request("tr a-z A-Z <in.txt >out.txt", secret(CLIENT));
    tenant.lab.write("in.txt", b"hello\n");
    let endpoint = &tenant.lab.azurite.endpoint;
    request["blobStorage"] = json!({"containerName": "kestra", "endpoint": endpoint});
    request["blobStorage"].as_object_mut().unwrap().extend(storage.as_object().unwrap().clone());
    request["outputFiles"] = json!(["out.txt"]);
    request
}

#[tokio::test]
async fn files_go_in_and_out_without_any_key() {
    let (tenant, _front) = Tenant::start_with_storage().await;
    let request = with_files(&tenant, json!({}));
    let report = start(&request, &tenant.worker(&[])).ended().await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    assert_eq!(tenant.lab.read("out.txt"), b"HELLO\n");
    assert_eq!(tenant.tokens_asked_for(), 2, "one for each service");
    assert!(tenant.lab.blobs().await.is_empty());
}

#[tokio::test]
async fn with_an_identity_of_the_pool_no_signature_leaves_the_worker() {
    let (tenant, _front) = Tenant::start_with_storage().await;
    let mut request = with_files(&tenant, json!({"identityReference": {"resourceId": IDENTITY}}));
    request["delete"] = json!(false);
    let report = start(&request, &tenant.worker(&[])).ended().await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    assert_eq!(tenant.lab.read("out.txt"), b"HELLO\n");
    let (job, task) = (job_id(&request), tenant.task(&request).await);
    assert!(task.contains(&job) && task.contains("identityReference"), "{task}");
    assert!(!task.contains("sig="), "{task}");
    for blob in tenant.lab.blobs().await {
        let content = tenant.lab.container().get_range(&blob, 0, 1 << 20).await.unwrap().unwrap();
        assert!(!String::from_utf8_lossy(&content).contains("sig="), "{blob}");
    }
}

#[tokio::test]
async fn an_identity_that_the_pool_does_not_have_is_said_to_be_that() {
    let (tenant, _front) = Tenant::start_with_storage().await;
    let other = IDENTITY.replace("nodes", "others");
    let request = with_files(&tenant, json!({"identityReference": {"resourceId": other}}));
    let report = start(&request, &tenant.worker(&[])).ended().await;
    let message = report.outcome().message.clone().unwrap();
    assert_eq!(report.outcome().status, Status::Failed, "{message}");
    assert!(message.contains("identity"), "{message}");
}

#[tokio::test]
async fn files_go_in_and_out_with_a_sas() {
    let tenant = Tenant::start().await;
    let container = tenant.lab.container();
    let all = container.grants(Duration::from_secs(3600)).await.unwrap();
    let query = |rights| all.url(None, rights).unwrap().query().unwrap().to_owned();
    let request = with_files(&tenant, json!({"sasToken": query(SasPermissions::READ_LIST)}));
    let request = Request::from_json(&request.to_string()).unwrap();
    let refused = Plan::new(request, &tenant.worker(&[])).err().unwrap().to_string();
    assert!(
        refused.starts_with("blobStorage.sasToken: this SAS allows (sp) too little: it lacks 'wd'"),
        "{refused}"
    );
    let request = with_files(&tenant, json!({"sasToken": query(SasPermissions::ALL)}));
    let report = start(&request, &tenant.worker(&[])).ended().await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    assert_eq!(tenant.lab.read("out.txt"), b"HELLO\n");
    assert!(tenant.lab.blobs().await.is_empty());
}
