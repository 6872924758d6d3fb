//! Azurite, Microsoft's emulator of Blob Storage, for one test.

use std::process::Stdio;

use azure_storage::{CloudLocation, StorageCredentials};
use azure_storage_blobs::prelude::ClientBuilder;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const ACCOUNT: &str = "labstore";
const KEY: &str = "bGFiLXN0b3JlLWtleQ==";

pub struct Azurite {
    endpoint: String,
    // Both end with the test.
    _process: Child,
    _directory: TempDir,
}

impl Azurite {
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut process = command(&directory).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let endpoint = loop {
            let line = lines.next_line().await.unwrap().expect("Azurite ended before it listened");
            if let Some((_, origin)) = line.split_once("successfully listens on ") {
                break format!("{}/{ACCOUNT}", origin.trim());
            }
        };
        // Its pipe must not fill up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { endpoint, _process: process, _directory: directory }
    }

    pub fn connection_string(&self) -> String {
        format!("AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={}", self.endpoint)
    }

    pub async fn create_container(&self, name: &str) {
        let location =
            CloudLocation::Custom { account: ACCOUNT.to_owned(), uri: self.endpoint.clone() };
        let credentials = StorageCredentials::access_key(ACCOUNT, KEY);
        let client = ClientBuilder::with_location(location, credentials).container_client(name);
        client.create().await.unwrap();
    }
}

fn command(directory: &TempDir) -> Command {
    let program = std::env::var_os("AZURITE_BLOB").expect(
        "AZURITE_BLOB is not set: `make test` sets it to the azurite-blob that `make setup` installs",
    );
    let mut command = Command::new(program);
    command
        .args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--skipApiVersionCheck"])
        .args(["--disableTelemetry", "--silent", "--inMemoryPersistence", "--location"])
        .arg(directory.path())
        .env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{KEY}"))
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}
