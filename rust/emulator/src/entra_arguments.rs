//! The arguments for Microsoft Entra ID.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use azure_batch_emulator::{Emulator, EntraSettings, Principal};
use clap::Args;
use tokio::time::sleep;
use uuid::Uuid;

/// How long the tokens in a file are valid. They are replaced when half of it is over, as
/// Kubernetes does.
const FILE_LIFE: Duration = Duration::from_secs(3600);

#[derive(Args)]
pub(crate) struct EntraArguments {
    /// The tenant of Microsoft Entra ID whose tokens the account accepts; starts an issuer of them
    #[arg(long, value_name = "GUID")]
    tenant: Option<Uuid>,
    /// Another tenant in which the same applications exist, and whose tokens the account does not
    /// accept; repeatable
    #[arg(long = "other-tenant", value_name = "GUID", requires = "tenant")]
    other_tenants: Vec<Uuid>,
    /// Who gets tokens; repeatable
    // Parsed later: clap would print a principal that is wrong, with its secret.
    #[arg(
        long = "principal",
        value_name = "client-id=GUID[,secret=TEXT][,expired-secret=TEXT][,certificate=FILE][,federated=SUBJECT][,managed=system|user|RESOURCE-ID][,role=ROLE]…",
        requires = "tenant"
    )]
    principals: Vec<String>,
    /// How long access tokens are valid
    #[arg(long, value_name = "SECONDS", default_value_t = EntraSettings::TOKEN_LIFE.as_secs())]
    token_life: u64,
    /// The loopback address of the issuer; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    issuer_listen: SocketAddr,
    /// What clients of App Service's endpoint must send as X-IDENTITY-HEADER; without it there is
    /// no such endpoint
    #[arg(long, value_name = "TEXT", requires = "tenant")]
    identity_header: Option<String>,
    /// Where the key files of Azure Arc's endpoint are created; without it there is no such
    /// endpoint
    #[arg(long, value_name = "DIR", requires = "tenant")]
    arc_keys: Option<PathBuf>,
    /// Keep a token for a workload in a file, for principals with federated=SUBJECT; repeatable
    #[arg(
        long = "federated-token-file",
        value_name = "SUBJECT=FILE",
        value_parser = parse_token_file,
        requires = "tenant"
    )]
    token_files: Vec<(String, PathBuf)>,
}

fn parse_token_file(text: &str) -> Result<(String, PathBuf), String> {
    let (subject, file) = text.rsplit_once('=').ok_or("it must be SUBJECT=FILE")?;
    Ok((subject.to_owned(), file.into()))
}

impl EntraArguments {
    /// # Errors
    /// Says what is wrong with a principal, without its secret.
    pub(crate) fn settings(&self) -> Result<Option<EntraSettings>, String> {
        let Some(tenant) = self.tenant else { return Ok(None) };
        let read = |text: &String| text.parse().map_err(|error| format!("--principal: {error}"));
        Ok(Some(EntraSettings {
            tenant,
            other_tenants: self.other_tenants.clone(),
            principals: self.principals.iter().map(read).collect::<Result<Vec<Principal>, _>>()?,
            token_life: Duration::from_secs(self.token_life),
            listen: self.issuer_listen,
            identity_header: self.identity_header.clone(),
            arc_keys: self.arc_keys.clone(),
        }))
    }

    /// Returns the files of tokens for workloads, by their subjects.
    pub(crate) fn take_token_files(&mut self) -> Vec<(String, PathBuf)> {
        std::mem::take(&mut self.token_files)
    }
}

/// Writes the tokens of workloads into their files.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write_token_files(
    emulator: &Emulator,
    files: &[(String, PathBuf)],
) -> io::Result<()> {
    for (subject, file) in files {
        let token = emulator.federated_token(subject, FILE_LIFE).unwrap_or_default();
        replace(file, &token)
            .map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
    }
    Ok(())
}

/// Replaces the tokens of workloads again and again. A file that cannot be written keeps its token.
pub(crate) async fn renew_token_files(emulator: &Emulator, files: &[(String, PathBuf)]) {
    loop {
        sleep(FILE_LIFE / 2).await;
        if let Err(error) = write_token_files(emulator, files) {
            eprintln!("azure-batch-emulator: {error}");
        }
    }
}

/// Replaces a file as a whole, so that nobody reads a half of it.
fn replace(file: &Path, content: &str) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    std::fs::write(&name, content)?;
    std::fs::rename(&name, file)
}
