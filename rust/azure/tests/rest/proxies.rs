//! The proxies of the environment, in a process of its own that has them.

use std::env;
use std::process::Stdio;

use crate::scripted_service::{Reply, ScriptedService, batch_at};
use tokio::process::Command;

const TEST: &str = "proxies::requests_go_through_the_proxy_that_the_environment_names_and_those_to_this_machine_do_not";
const NEAR: &str = "NEAR_FOR_THE_TEST";
const USER: &str = "puller:canary";

#[tokio::test]
async fn requests_go_through_the_proxy_that_the_environment_names_and_those_to_this_machine_do_not()
{
    match env::var(NEAR) {
        Ok(near) => ask_three(&near).await,
        Err(_) => watch_a_child_ask().await,
    }
}

/// What the child does: a plain service, one by https, one of this machine.
async fn ask_three(near: &str) {
    let http = azure::http_client().unwrap();
    let far = http.get("http://far.example/plain").send().await.unwrap();
    println!("far answered {}", far.status());
    let refused = batch_at("https://acct.batch.example").get_pool("p").await.unwrap_err();
    println!("refused: {refused} {refused:?}");
    let exempt = http.get("http://exempt.invalid/").send().await.unwrap_err();
    println!("exempt: {exempt:?}");
    let port = near.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let near = http.get(format!("http://{host}:{port}/near")).send().await.unwrap();
        println!("near answered {}", near.status());
    }
}

async fn watch_a_child_ask() {
    let proxy = ScriptedService::start([Reply::status(203)]).await;
    let near = ScriptedService::start([Reply::ok(""), Reply::ok("")]).await;
    for _ in 0..8 {
        proxy.queue(Reply::status(407));
    }
    let url = proxy.endpoint.replace("http://", &format!("http://{USER}@"));
    let mut child = Command::new(env::current_exe().unwrap());
    for inherited in ["HTTPS_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "no_proxy"] {
        child.env_remove(inherited);
    }
    let child = child
        .args(["--exact", TEST, "--nocapture"])
        .envs([("HTTP_PROXY", url.as_str()), ("https_proxy", &url), ("NO_PROXY", "exempt.invalid")])
        .env(NEAR, &near.endpoint)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{told} {}", String::from_utf8_lossy(&child.stderr));
    assert!(told.contains("far answered 203") && told.contains("near answered 200"), "{told}");
    assert!(told.contains("refused: ") && told.contains("proxy authorization required"), "{told}");
    assert!(!told.contains("canary"), "{told}");
    let asked = proxy.received();
    assert_eq!(asked[0].target, "http://far.example/plain");
    assert!(asked[1..].iter().all(|r| r.method == "CONNECT"), "{:?}", proxy.calls());
    assert!(asked[1..].iter().all(|r| r.target == "acct.batch.example:443"), "{:?}", proxy.calls());
    assert_eq!(near.calls(), ["GET /near", "GET /near"]);
}
