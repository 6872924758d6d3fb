//! Runs of identities of Entra ID: the emulator's issuer gives them tokens, its account and the guard of Blob Storage look
//! at these.

mod guard;
mod sign_in;
mod storage;

use std::process::Command;
use std::time::Duration;

use azure::RetryPolicy;
use azure_batch_emulator::{
    EntraSettings, PoolSettings, Principal, Proof, RequestRecord, Role, Settings,
};
use runner::{Network, Status};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::azurite::Azurite;
use crate::support::{Lab, POOL, Report, Run, job_id, renamed, usual};
use crate::tls::TlsFront;

const TENANT: &str = "11111111-0000-4000-8000-000000000001";
/// One whose tokens the account does not accept.
const OTHER_TENANT: &str = "11111111-0000-4000-8000-000000000002";
const CLIENT: &str = "22222222-0000-4000-8000-000000000001";
/// One that may only read.
const READER: &str = "22222222-0000-4000-8000-000000000003";
/// One of the pool's, and its client id.
const NODES: &str = "22222222-0000-4000-8000-000000000005";
const IDENTITY: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nodes";
/// One that is assigned to this machine.
const ASSIGNED: &str = "22222222-0000-4000-8000-000000000004";
const SECRET: &str = "canary~secret";
const EXPIRED: &str = "canary~expired";
/// Of a token.
const HOUR: Duration = Duration::from_secs(3600);
const SUBJECT: &str = "system:serviceaccount:kestra:worker";

/// Properties, and variables of the worker, by which somebody signs in.
type Identity = (Value, Vec<(&'static str, String)>);

/// A lab that knows principals, and a worker that can be told who it is.
struct Tenant {
    lab: Lab,
    issuer: TlsFront,
    directory: TempDir,
}

impl Tenant {
    async fn start() -> Self {
        Self::start_with(usual(), HOUR).await
    }

    async fn start_with(settings: Settings, token_life: Duration) -> Self {
        Self::start_as(&[Role::AzureBatchJobSubmitter], settings, token_life).await
    }

    /// Whoever signs in has these roles on the Batch account.
    async fn start_as(roles: &[Role], settings: Settings, token_life: Duration) -> Self {
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
            principal(CLIENT, all, roles),
            principal(READER, secret(), &[Role::AzureBatchAccountReader]),
            principal(ASSIGNED, vec![Proof::UserAssigned(None)], roles),
            principal(NODES, vec![Proof::UserAssigned(Some(IDENTITY.to_owned()))], &[]),
        ];
        let identity = vec![IDENTITY.to_owned()];
        let pool = PoolSettings { identities: identity, ..POOL.into() };
        let settings = Settings { entra: Some(entra), pools: vec![pool], ..settings };
        let lab = Lab::start_at(settings, tempfile::tempdir().unwrap(), Azurite::start().await);
        let lab = lab.await;
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

    /// Every way in which somebody may sign in, as properties and as variables of the worker.
    fn identities(&self) -> Vec<Identity> {
        let mut all = self.identities_of(TENANT);
        all.extend([(json!({}), vec![]), (json!({"clientId": ASSIGNED}), vec![])]);
        all
    }

    /// Those of a tenant's applications. A machine's own identities are of the tenant that the machine is in.
    fn identities_of(&self, tenant: &str) -> Vec<Identity> {
        let read = |name| std::fs::read_to_string(self.directory.path().join(name)).unwrap();
        let pem = read("own.key") + &read("own.pem");
        let variable = |name, value: &str| (name, value.to_owned());
        let [client, of_tenant] =
            [variable("AZURE_CLIENT_ID", CLIENT), variable("AZURE_TENANT_ID", tenant)];
        let file = self.directory.path().join("pem");
        std::fs::write(&file, &pem).unwrap();
        let certificate = variable("AZURE_CLIENT_CERTIFICATE_PATH", file.to_str().unwrap());
        let of_client = json!({"tenantId": tenant, "clientId": CLIENT});
        let with = |proof| vec![client.clone(), of_tenant.clone(), proof];
        let mut with_secret = of_client.clone();
        with_secret["clientSecret"] = json!(SECRET);
        let mut with_pem = of_client.clone();
        with_pem["pemCertificate"] = json!(pem);
        vec![
            (with_secret, vec![]),
            (with_pem, vec![]),
            (json!({}), with(variable("AZURE_CLIENT_SECRET", SECRET))),
            (json!({}), with(certificate)),
            (json!({}), with(self.federated(SUBJECT))),
            (of_client, vec![self.federated(SUBJECT)]),
        ]
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
