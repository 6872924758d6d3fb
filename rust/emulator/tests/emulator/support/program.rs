//! The command line program.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::client::Client;
use super::{ACCOUNT, KEY};

/// Returns the program with these arguments, not yet started.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_azure-batch-emulator"));
    command.args(["--account", ACCOUNT, "--key", KEY, "--listen", "127.0.0.1:0"]);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Returns a client for the endpoint in the first line of output.
pub(crate) async fn client(child: &mut Child) -> Client {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let endpoint = line.strip_prefix("listening on ").unwrap();
    assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");
    Client::new(endpoint)
}

/// Returns the resident memory of a running process, in bytes.
pub(crate) fn resident_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}
