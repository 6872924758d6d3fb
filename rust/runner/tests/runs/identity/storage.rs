//! Who signs in to Blob Storage, and what nodes show there.

use azure::blob::SasPermissions;
use runner::{Plan, Request};

use super::guard::BlobGuard;
use super::*;
use crate::azurite;
use crate::support::next_attempt;

/// What a worker needs where nodes have no identity, and what they need where they have one.
const ON_CONTAINER: &str =
    "22222222-0000-4000-8000-000000000001=storage-blob-data-contributor@kestra";
const DELEGATOR: &str = "22222222-0000-4000-8000-000000000001=storage-blob-delegator";
const OF_NODES: &str = "22222222-0000-4000-8000-000000000005=storage-blob-data-contributor@kestra";
const USUAL: [&str; 4] = ["--role", ON_CONTAINER, "--role", DELEGATOR];

/// A tenant whose identities have roles on a storage account.
struct Account {
    tenant: Tenant,
    guard: BlobGuard,
}

impl Account {
    async fn start(switches: &[&str]) -> Self {
        Self::of(Tenant::start().await, switches).await
    }

    async fn of(tenant: Tenant, switches: &[&str]) -> Self {
        let issuer = tenant.lab.emulator.issuer_endpoint().unwrap();
        let guard = BlobGuard::start(&tenant.lab.azurite, &issuer, TENANT, switches).await;
        Self { tenant, guard }
    }

    /// A task whose files go in and out, with these properties of the storage account.
    fn request(&self, identity: Value, storage: Value) -> Value {
        let script = "tr a-z A-Z <in.txt >out.txt; mkdir -p a/b; cp out.txt a/b/c.txt";
        let mut request = self.tenant.request(script, identity);
        self.tenant.lab.write("in.txt", b"hello\n");
        let endpoint = &self.guard.endpoint;
        request["blobStorage"] = json!({"containerName": "kestra", "endpoint": endpoint});
        let properties = request["blobStorage"].as_object_mut().unwrap();
        properties.extend(storage.as_object().unwrap().clone());
        request["outputFiles"] = json!(["out.txt", "a/**"]);
        request
    }

    async fn run(&self, request: &Value, variables: &[(&'static str, String)]) -> Report {
        start(request, &self.tenant.worker(variables)).ended().await
    }

    /// Everything succeeded, and nothing is left.
    async fn expect_success(&self, report: &Report) {
        assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
        for file in ["out.txt", "a/b/c.txt"] {
            assert_eq!(self.tenant.lab.read(file), b"HELLO\n");
            std::fs::remove_file(self.tenant.lab.dir.path().join(file)).unwrap();
        }
        assert_eq!(self.tenant.lab.blobs().await, [""; 0]);
        assert!(!format!("{report:?}").contains("canary"));
    }
}

fn by_nodes() -> Value {
    json!({"identityReference": {"resourceId": IDENTITY}})
}

#[tokio::test]
async fn every_identity_moves_files_where_no_key_is_allowed() {
    let assigned = [ON_CONTAINER, DELEGATOR].map(|role| role.replace(CLIENT, ASSIGNED));
    let roles = ["--role", &assigned[0], "--role", &assigned[1], "--no-shared-key"];
    let account = Account::start(&[&USUAL[..], &roles].concat()).await;
    for (number, (identity, variables)) in account.tenant.identities().into_iter().enumerate() {
        let request = renamed(&account.request(identity, json!({})));
        let report = account.run(&request, &variables).await;
        account.expect_success(&report).await;
        let asked = account.tenant.tokens_asked_for();
        assert_eq!(asked, 2 * (number + 1), "one for each service");
    }
}

#[tokio::test]
async fn with_an_identity_of_the_pool_no_signature_leaves_the_worker() {
    let roles = ["--role", ON_CONTAINER, "--role", OF_NODES, "--no-shared-key"];
    let account = Account::start(&roles).await;
    let tenant = &account.tenant;
    let mut request = account.request(secret(CLIENT), by_nodes());
    request["delete"] = json!(false);
    let report = account.run(&request, &[]).await;
    assert_eq!(report.result(), Some((Status::Succeeded, Some(0))), "{report:?}");
    assert_eq!(tenant.lab.read("out.txt"), b"HELLO\n");
    let (job, task) = (job_id(&request), tenant.task(&request).await);
    assert!(task.contains(&job) && task.contains("identityReference"), "{task}");
    let log = format!("{:?} {report:?}", tenant.lab.emulator.requests());
    assert!(!task.contains("sig=") && !log.contains("sig="), "{task} {log}");
    let blobs = tenant.lab.blobs().await;
    assert!(blobs.len() > 4, "{blobs:?}");
    for blob in blobs {
        let content = tenant.lab.container().get_range(&blob, 0, 1 << 20).await.unwrap().unwrap();
        assert!(!String::from_utf8_lossy(&content).contains("sig="), "{blob}");
    }
}

#[tokio::test]
async fn each_role_that_is_missing_is_named_before_anything_is_created() {
    let reader = ON_CONTAINER.replace("contributor", "reader");
    let on_account = ON_CONTAINER.replace("@kestra", "");
    let elsewhere = ON_CONTAINER.replace("@kestra", "@other");
    let (with_sas, with_identity) = (json!({}), by_nodes());
    let cases: [(&[&str], &Value, Option<&str>); 8] = [
        (&[], &with_sas, Some("'Storage Blob Data Contributor'")),
        (&[DELEGATOR], &with_sas, Some("'Storage Blob Data Contributor'")),
        (&[&elsewhere, DELEGATOR], &with_sas, Some("'Storage Blob Data Contributor'")),
        (&[ON_CONTAINER], &with_sas, Some("'Storage Blob Delegator'")),
        (&[ON_CONTAINER, DELEGATOR], &with_sas, None),
        (&[&on_account], &with_sas, None),
        (&[ON_CONTAINER, OF_NODES], &with_identity, None),
        (&[OF_NODES], &with_identity, Some("'Storage Blob Data Contributor'")),
    ];
    for (roles, storage, missing) in cases {
        let switches: Vec<_> = roles.iter().flat_map(|role| ["--role", role]).collect();
        let account = Account::start(&switches).await;
        let request = account.request(secret(CLIENT), storage.clone());
        let report = account.run(&request, &[]).await;
        let Some(missing) = missing else {
            account.expect_success(&report).await;
            continue;
        };
        let message = report.message();
        assert_eq!(report.outcome().status, Status::Invalid, "{roles:?}: {message}");
        assert!(message.starts_with("clientId: the service principal"), "{message}");
        assert!(message.contains(missing), "{message}");
        assert_eq!(account.tenant.lab.jobs_created(), 0);
        assert_eq!(account.tenant.lab.blobs().await, [""; 0]);
    }
    // It may read, and that is all that can be seen at the start.
    let account = Account::start(&["--role", &reader, "--role", DELEGATOR]).await;
    let report = account.run(&account.request(secret(CLIENT), with_sas), &[]).await;
    let message = report.message();
    assert_eq!(report.outcome().status, Status::Failed, "{message}");
    assert!(message.contains("'Storage Blob Data Contributor'"), "{message}");
    assert_eq!(account.tenant.lab.jobs_created(), 0);
}

#[tokio::test]
async fn an_identity_of_the_pool_that_may_not_is_said_to_be_that() {
    let nodes_may_read = OF_NODES.replace("contributor", "reader");
    for (roles, what) in [
        (vec![ON_CONTAINER], "BlobAccessDenied"),
        (vec![ON_CONTAINER, &nodes_may_read], "FileUploadAccessDenied"),
    ] {
        let switches: Vec<_> = roles.iter().flat_map(|role| ["--role", role]).collect();
        let account = Account::start(&switches).await;
        let report = account.run(&account.request(secret(CLIENT), by_nodes()), &[]).await;
        let message = report.message();
        assert_eq!(report.outcome().status, Status::Failed, "{message}");
        assert!(message.contains(what), "{message}");
        assert!(message.contains("blobStorage.identityReference"), "{message}");
    }
}

#[tokio::test]
async fn an_identity_that_the_pool_does_not_have_is_refused_before_anything_is_created() {
    let account = Account::start(&USUAL).await;
    let other = json!({"resourceId": IDENTITY.replace("nodes", "others")});
    let storage = account.request(secret(CLIENT), json!({"identityReference": other}));
    let mut registry = account.request(secret(CLIENT), json!({}));
    registry["registry"] = json!({"identityReference": other});
    for (request, property) in [(storage, "blobStorage"), (registry, "registry")] {
        let report = account.run(&request, &[]).await;
        let message = report.message();
        assert_eq!(report.outcome().status, Status::Invalid, "{message}");
        let start =
            format!("{property}.identityReference.resourceId: the pool 'pool' does not have");
        assert!(message.starts_with(&start), "{message}");
        assert_eq!(account.tenant.lab.jobs_created(), 0);
        assert_eq!(account.tenant.lab.blobs().await, [""; 0]);
    }
}

/// What each of these identities is told, and that nothing was created. The account's key signs in to Batch, so that the
/// storage account is the first to look at a token.
async fn refusals(account: &Account, identities: Vec<Identity>) -> Vec<String> {
    let mut messages = Vec::new();
    for (mut identity, variables) in identities {
        identity["accessKey"] = account.tenant.lab.request("true")["accessKey"].clone();
        let request = renamed(&account.request(identity, json!({})));
        let report = account.run(&request, &variables).await;
        let message = report.message().to_owned();
        assert_eq!(report.outcome().status, Status::Invalid, "{message}");
        assert!(message.starts_with("clientId: the ") && !message.contains("canary"), "{message}");
        messages.push(message);
    }
    assert_eq!(account.tenant.lab.jobs_created(), 0);
    assert_eq!(account.tenant.lab.blobs().await, [""; 0]);
    messages
}

#[tokio::test]
async fn each_identity_that_has_no_role_on_the_container_is_told_which_ones_to_give_to_it() {
    let account = Account::start(&[]).await;
    for message in refusals(&account, account.tenant.identities()).await {
        assert!(message.contains("'Storage Blob Data Contributor'"), "{message}");
    }
}

#[tokio::test]
async fn each_identity_of_another_tenant_is_told_so_by_the_storage_account() {
    let account = Account::start(&USUAL).await;
    for message in refusals(&account, account.tenant.identities_of(OTHER_TENANT)).await {
        assert!(message.contains("tenant of the account's subscription"), "{message}");
    }
}

#[tokio::test]
async fn a_clock_of_the_storage_account_that_is_off_is_named_to_each_identity() {
    for offset in ["120", "-120"] {
        let account = Account::start(&[&USUAL[..], &["--clock-offset", offset]].concat()).await;
        for message in refusals(&account, account.tenant.identities()).await {
            assert!(message.contains("this machine's clock"), "{message}");
        }
    }
}

#[tokio::test]
async fn tokens_for_both_services_are_renewed_while_files_move_and_a_task_runs() {
    let tenant = Tenant::start_with(usual(), Duration::from_secs(2)).await;
    let account = Account::of(tenant, &USUAL).await;
    let mut request = account.request(secret(CLIENT), json!({}));
    let script = request["commands"][2].as_str().unwrap().to_owned();
    request["commands"][2] = json!(format!("sleep 5; {script}"));
    let report = account.run(&request, &[]).await;
    account.expect_success(&report).await;
    let (asked, all) = (account.tenant.tokens_asked_for(), account.tenant.lab.emulator.requests());
    assert!((4..=all.len() / 2).contains(&asked), "{asked} of {}", all.len());
}

#[tokio::test]
async fn a_task_of_60_s_outlives_tokens_of_20_s_and_a_worker_with_another_identity_ends_it() {
    let assigned = [ON_CONTAINER, DELEGATOR].map(|role| role.replace(CLIENT, ASSIGNED));
    let roles = ["--role", &assigned[0], "--role", &assigned[1]];
    let tenant = Tenant::start_with(usual(), Duration::from_secs(20)).await;
    let account = Account::of(tenant, &[&USUAL[..], &roles].concat()).await;
    let mut request = account.request(secret(CLIENT), json!({}));
    let script = request["commands"][2].as_str().unwrap().to_owned();
    request["commands"][2] =
        json!(format!("for n in 1 2 3 4 5 6; do echo $n; sleep 10; done; {script}"));
    request["waitUntilCompletion"] = json!(120);
    let mut first = start(&request, &account.tenant.worker(&[]));
    first.until_line("4").await;
    let before = account.tenant.tokens_asked_for();
    drop(first.leave());
    let mut next = next_attempt(&request);
    next["clientId"] = json!(ASSIGNED);
    next["clientSecret"] = json!(null);
    next["tenantId"] = json!(null);
    let report = account.run(&next, &[]).await;
    account.expect_success(&report).await;
    assert_eq!(account.tenant.lab.jobs_created(), 1);
    let (asked, all) = (account.tenant.tokens_asked_for(), account.tenant.lab.emulator.requests());
    assert!(before >= 3 && asked <= 16, "{before}, then {asked} of {}", all.len());
}

/// Where the namespace is hierarchical, signatures are for the run's directory, and no directory stays.
#[tokio::test]
async fn in_a_hierarchical_namespace_nodes_get_signatures_for_the_runs_directory_alone() {
    let (name, key) = (azurite::ACCOUNT, azurite::KEY);
    let key = json!({"sharedKeyAccountName": name, "sharedKeyAccountAccessKey": key});
    for storage in [json!({}), key] {
        let account = Account::start(&[&USUAL[..], &["--hierarchical"]].concat()).await;
        let mut request = account.request(secret(CLIENT), storage);
        let script = request["commands"][2].as_str().unwrap();
        let script = format!("echo runs; until [ -e go ]; do sleep 0.1; done; {script}");
        request["commands"][2] = json!(script);
        let mut run = start(&request, &account.tenant.worker(&[]));
        run.until_line("runs").await;
        let task = account.tenant.task(&request).await;
        assert!(
            task.contains("sr=d") && task.contains("sdd=1") && !task.contains("sr=c"),
            "{task}"
        );
        let directory = request["stagingPrefix"].as_str().unwrap();
        std::fs::write(account.tenant.lab.wd(&request).join(directory).join("go"), "").unwrap();
        account.expect_success(&run.ended().await).await;
    }
}

#[tokio::test]
async fn files_go_in_and_out_with_a_sas() {
    let account = Account::start(&[]).await;
    let container = account.tenant.lab.container();
    let all = container.grants(HOUR).await.unwrap();
    let query = |rights| all.url(None, rights).unwrap().query().unwrap().to_owned();
    let with = |sas: String| account.request(secret(CLIENT), json!({"sasToken": sas}));
    let request = Request::from_json(&with(query(SasPermissions::READ_LIST)).to_string()).unwrap();
    let refused = Plan::new(request, &account.tenant.worker(&[])).err().unwrap().to_string();
    assert!(
        refused.starts_with("blobStorage.sasToken: this SAS allows (sp) too little: it lacks 'wd'"),
        "{refused}"
    );
    let report = account.run(&with(query(SasPermissions::ALL)), &[]).await;
    account.expect_success(&report).await;
}
