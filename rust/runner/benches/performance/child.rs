//! This program as a child of itself, in another role. A child ends with its parent, however that ends.

use std::io::BufRead;
use std::process::Stdio;
use std::thread;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// Starts a child and tells it what to do.
pub(crate) async fn start(role: &str, question: &impl Serialize) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program)
        .arg(role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let line = serde_json::to_string(question).unwrap() + "\n";
    child.stdin.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
    child
}

/// Lets a child do something, and returns what it measured.
pub(crate) async fn ask<T: DeserializeOwned>(role: &str, question: &impl Serialize) -> T {
    let mut child = start(role, question).await;
    let mut answer = String::new();
    child.stdout.take().unwrap().read_to_string(&mut answer).await.unwrap();
    assert!(child.wait().await.unwrap().success(), "{role} failed");
    serde_json::from_str(&answer).unwrap()
}

/// In a child: measures what was asked for.
pub(crate) fn answer<Q: DeserializeOwned, A: Serialize>(measure: impl FnOnce(Q) -> A) {
    println!("{}", serde_json::to_string(&measure(question())).unwrap());
}

/// In a child: what it was told to do. From now on it ends once its parent has gone.
pub(crate) fn question<Q: DeserializeOwned>() -> Q {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    thread::spawn(|| {
        let _ = std::io::stdin().lock().read_line(&mut String::new());
        std::process::exit(1);
    });
    serde_json::from_str(&line).unwrap()
}
