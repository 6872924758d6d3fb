//! Azurite, Microsoft's emulator of Blob Storage, on a free port for the time of a test.

use azure::{
    RetryPolicy,
    blob::{BlobContainer, StorageAccount},
};
use azure_core::auth::Secret;
use azure_storage::shared_access_signature::{
    SasToken,
    account_sas::{
        AccountSasPermissions, AccountSasResource, AccountSasResourceType,
        AccountSharedAccessSignature,
    },
};
use std::process::Stdio;
use time::OffsetDateTime;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

pub(crate) const ACCOUNT: &str = "acct";
/// "key of the tests" in base64.
pub(crate) const KEY: &str = "a2V5IG9mIHRoZSB0ZXN0cw==";

/// Ends with the test.
pub(crate) struct Azurite {
    pub(crate) endpoint: String,
    _process: Child,
}

impl Azurite {
    pub(crate) async fn start() -> Self {
        Self::start_with(&["--inMemoryPersistence"]).await
    }

    pub(crate) async fn start_with(persistence: &[&str]) -> Self {
        let program = std::env::var_os("AZURITE_BLOB")
            .expect("AZURITE_BLOB is not set: run `make setup`, then the tests by `make test`");
        let mut process = Command::new(program)
            .args(["--blobHost", "127.0.0.1", "--blobPort", "0"])
            .args(persistence)
            .args(["--skipApiVersionCheck", "--disableTelemetry", "--silent"])
            .env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{KEY}"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("AZURITE_BLOB cannot be run: run `make setup`");
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = address(&mut output).await;
        // It prints all the same, now and then, and stands still once nobody reads that.
        tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
        Self { endpoint: format!("{address}/{ACCOUNT}"), _process: process }
    }

    /// An account whose container `name` may exist or not.
    pub(crate) fn container(&self, name: &str) -> BlobContainer {
        let account = StorageAccount::from_parts(&self.endpoint, ACCOUNT, KEY).unwrap();
        let http = azure::http_client().unwrap();
        // A test that is wrong should say so soon.
        let retry = RetryPolicy { attempts: 4, ..RetryPolicy::default() };
        BlobContainer::new(account, name, http, retry).unwrap()
    }

    /// A new container. The client has no call for it, as it never makes one: a SAS has.
    pub(crate) async fn create_container(&self, name: &str) -> BlobContainer {
        let sas = account_sas();
        let url = format!("{}/{name}?restype=container&{sas}", self.endpoint);
        let created = azure::http_client().unwrap().put(url).send().await.unwrap();
        assert_eq!(created.status(), 201);
        self.container(name)
    }
}

fn account_sas() -> String {
    AccountSharedAccessSignature::new(
        ACCOUNT.to_owned(),
        Secret::new(KEY),
        AccountSasResource::Blob,
        AccountSasResourceType::Container,
        OffsetDateTime::now_utc() + time::Duration::HOUR,
        AccountSasPermissions { create: true, ..AccountSasPermissions::default() },
    )
    .token()
    .unwrap()
}

/// The address that Azurite prints once it listens.
async fn address(output: &mut Lines<BufReader<ChildStdout>>) -> String {
    while let Some(line) = output.next_line().await.unwrap() {
        if let Some((_, address)) = line.split_once("successfully listens on ") {
            return address.trim().to_owned();
        }
    }
    panic!("Azurite ended before it listened");
}
