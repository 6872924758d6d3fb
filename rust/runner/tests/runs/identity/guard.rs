//! The kit's guard of Blob Storage, in front of an Azurite.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::azurite::{self, Azurite};

/// Ends with the test.
pub(super) struct BlobGuard {
    pub(super) endpoint: String,
    _process: Child,
}

impl BlobGuard {
    /// `--role CLIENT=ROLE` is one of the switches.
    pub(super) async fn start(
        azurite: &Azurite,
        issuer: &str,
        tenant: &str,
        switches: &[&str],
    ) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kit/blob_guard.py");
        let (account, key) = (azurite::ACCOUNT, azurite::KEY);
        let service = azurite.endpoint.strip_suffix(&format!("/{account}")).unwrap();
        let mut process = Command::new("/usr/bin/python3")
            .arg(program)
            .args(["--service", service, "--account", account, "--key", key])
            .args(["--tenant", tenant, "--issuer", issuer])
            .args(switches)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = output.next_line().await.unwrap().expect("the guard ended before it listened");
        let address = first.strip_prefix("listening on ").unwrap();
        let endpoint = format!("{address}/{account}");
        // What it refused helps whoever reads a failure.
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                println!("{line}");
            }
        });
        Self { endpoint, _process: process }
    }
}
