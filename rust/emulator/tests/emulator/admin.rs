//! The admin endpoint, as used by a program on this machine and by a web page.

use azure_batch_emulator::PoolSettings;
use serde_json::{Value, json};

use crate::support::{Cloud, KEY, until};

/// Returns the status and the JSON of a response; null if it has no body.
async fn ask(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
    (status, body)
}

fn url(cloud: &Cloud, path: &str) -> String {
    format!("{}/_emulator{path}", cloud.emulator.endpoint())
}

/// Returns how often an operation was answered, and how often with success.
async fn count(cloud: &Cloud, name: &str) -> (u64, u64) {
    let (status, all) = ask(cloud.client.http.get(url(cloud, "/operations"))).await;
    assert_eq!(status, 200);
    let one = all.as_array().unwrap().iter().find(|one| one["operation"] == name).unwrap();
    (one["answered"].as_u64().unwrap(), one["succeeded"].as_u64().unwrap())
}

#[tokio::test]
async fn operations_are_counted_and_those_never_exercised_have_zero() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.get("/jobs/job").await.expect(200);
    cloud.get("/jobs/none").await.expect(404);
    cloud.get("/nothing").await.expect(400);
    assert_eq!(count(&cloud, "Create Job").await, (1, 1));
    assert_eq!(count(&cloud, "Get Job").await, (2, 1));
    assert_eq!(count(&cloud, "Delete Task").await, (0, 0));
    let (_, all) = ask(cloud.client.http.get(url(&cloud, "/operations"))).await;
    let answered = all.as_array().unwrap().iter().map(|one| one["answered"].as_u64().unwrap());
    assert_eq!(answered.sum::<u64>(), 3);
}

#[tokio::test]
async fn the_number_and_length_of_faults_are_limited() {
    let cloud = Cloud::start().await;
    let add = async |fault: &str| post(&cloud, "/faults", &json!({"fault": fault})).await;
    let long = format!("node-pull-image:{}=failed", "a".repeat(2_000));
    let (status, body) = add(&long).await;
    assert_eq!((status, &body["error"]), (400, &json!("a fault can have at most 1024 bytes")));
    for _ in 0..1_000 {
        assert_eq!(add("get-node#9=500").await.0, 204);
    }
    let (status, body) = add("get-node#9=500").await;
    assert!(status == 400 && body["error"].as_str().unwrap().contains("1000"), "{body}");
    assert_eq!(ask(cloud.client.http.delete(url(&cloud, "/faults"))).await.0, 204);
    assert_eq!(add("get-node#9=500").await.0, 204);
}

#[tokio::test]
async fn a_record_names_the_operation() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    cloud.get("/jobs/job/tasks/none/files/wd/a%20b").await.expect(404);
    cloud.get("/nothing").await.expect(400);
    count(&cloud, "Get Job").await;
    let seen: Vec<_> = cloud.emulator.requests().iter().map(|one| one.operation).collect();
    assert_eq!(seen, [Some("Create Job"), Some("Get Task File"), None]);
}

#[tokio::test]
async fn web_pages_cannot_use_the_admin_endpoint() {
    let cloud = Cloud::start().await;
    let operations = url(&cloud, "/operations");
    let request = || cloud.client.http.get(&operations);
    let (status, body) = ask(request().header("origin", "http://127.0.0.1")).await;
    assert_eq!(status, 403, "{body}");
    assert!(body["error"].as_str().unwrap().contains("Origin"), "{body}");
    let (status, body) = ask(request().header("host", "rebound.example.org")).await;
    assert_eq!(status, 403, "{body}");
    assert!(body["error"].as_str().unwrap().contains("Host"), "{body}");
}

#[tokio::test]
async fn an_unknown_path_or_method_is_refused_with_a_reason() {
    let cloud = Cloud::start().await;
    let (status, body) = ask(cloud.client.http.get(url(&cloud, "/nothing"))).await;
    assert_eq!(status, 404, "{body}");
    let text = body["error"].as_str().unwrap();
    assert!(
        text.starts_with("/_emulator/nothing does not exist; the paths are /_emulator/"),
        "{text}"
    );
    let (status, body) = ask(cloud.client.http.put(url(&cloud, "/operations"))).await;
    assert_eq!(
        (status, &body),
        (405, &json!({"error": "/_emulator/operations does not support PUT"}))
    );
}

/// Runs a command that docs/emulator.md shows. Returns its output.
async fn documented(cloud: &Cloud, beginning: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/emulator.md");
    let page = std::fs::read_to_string(page).unwrap();
    let line = page.lines().find(|line| line.starts_with(beginning)).unwrap();
    let mut shell = tokio::process::Command::new("sh");
    let shell = shell.args(["-c", line]).env("EMULATOR", cloud.emulator.endpoint());
    let output = shell.env("no_proxy", "127.0.0.1").output().await.unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_documented_commands_add_show_and_remove_faults() {
    let cloud = Cloud::start().await;
    assert_eq!(documented(&cloud, "curl --json").await, "");
    cloud.get("/jobs/a").await.expect_error(503, "ServerBusy");
    cloud.get("/jobs/a").await.expect(404);
    let faults = documented(&cloud, "curl $EMULATOR/_emulator/faults").await;
    let faults: Value = serde_json::from_str(&faults).unwrap();
    assert_eq!(faults, json!([{"fault": "get-job#1=503,retry-after=1", "seen": 2, "fired": 1}]));
    let requests = documented(&cloud, "curl $EMULATOR/_emulator/requests").await;
    let requests: Value = serde_json::from_str(&requests).unwrap();
    assert_eq!(requests[0]["fault"], "get-job#1=503,retry-after=1");
    assert_eq!(requests[1]["code"], "JobNotFound");
    assert_eq!(documented(&cloud, "curl -X DELETE").await, "");
    assert_eq!(cloud.emulator.faults(), []);
}

async fn post(cloud: &Cloud, path: &str, body: &Value) -> (u16, Value) {
    let request = cloud.client.http.post(url(cloud, path)).body(body.to_string());
    ask(request.header("content-type", "application/json")).await
}

#[tokio::test]
async fn nodes_are_listed_and_can_be_made_to_fail() {
    let pool: PoolSettings = "pool:nodes=1,low-priority=1".parse().unwrap();
    let cloud = Cloud::start_with(|settings| settings.pools = vec![pool]).await;
    let nodes = || async { ask(cloud.client.http.get(url(&cloud, "/nodes"))).await.1 };
    let shown = nodes().await;
    let ids = cloud.emulator.node_ids("pool").unwrap();
    assert_eq!(shown[1]["node"], ids[1].as_str());
    let expected = json!({"pool": "pool", "node": ids[0], "dedicated": true, "state": "idle", "running-tasks": 0});
    assert_eq!(shown[0], expected);
    let event =
        |node: usize, event: &str| json!({"pool": "pool", "node": ids[node], "event": event});
    for (name, state) in
        [("preempted", "preempted"), ("recovered", "idle"), ("unusable", "unusable")]
    {
        assert_eq!(post(&cloud, "/nodes", &event(1, name)).await, (204, Value::Null));
        assert_eq!(nodes().await[1]["state"], state);
    }
    let (status, body) = post(&cloud, "/nodes", &event(0, "preempted")).await;
    assert_eq!(status, 400, "{body}");
    assert!(body["error"].as_str().unwrap().contains("only low-priority nodes"), "{body}");
    let (status, body) = post(&cloud, "/nodes", &event(0, "tired")).await;
    assert_eq!(status, 400, "{body}");
    assert!(body["error"].as_str().unwrap().contains("`lost`, `preempted`"), "{body}");
    assert_eq!(post(&cloud, "/nodes", &event(0, "lost")).await.0, 204);
    until("the lost node is gone", || async {
        (nodes().await.as_array().unwrap().iter().all(|one| one["node"] != ids[0])).then_some(())
    })
    .await;
}

#[tokio::test]
async fn allocations_of_a_pool_can_fail_and_succeed_later() {
    let cloud = Cloud::start().await;
    let failure = json!({"code": "AccountCoreQuotaReached", "message": "no cores left"});
    let body = json!({"pool": "pool", "failure": failure});
    assert_eq!(post(&cloud, "/pools", &body).await, (204, Value::Null));
    let node = &cloud.emulator.node_ids("pool").unwrap()[0];
    let lost = json!({"pool": "pool", "node": node, "event": "lost"});
    assert_eq!(post(&cloud, "/nodes", &lost).await, (204, Value::Null));
    let pool = until("resize errors", || async {
        let pool = cloud.get("/pools/pool").await.body;
        pool["resizeErrors"][0].is_object().then_some(pool)
    })
    .await;
    assert_eq!(pool["resizeErrors"][0]["code"], "AccountCoreQuotaReached", "{pool}");
    assert_eq!(post(&cloud, "/pools", &json!({"pool": "pool"})).await, (204, Value::Null));
    until("another node", || async {
        (cloud.get("/pools/pool").await.body["currentDedicatedNodes"] == 1).then_some(())
    })
    .await;
    let (status, body) = post(&cloud, "/pools", &json!({"pool": "none"})).await;
    assert_eq!(status, 400, "{body}");
    assert!(body["error"].as_str().unwrap().contains("pool"), "{body}");
}

#[tokio::test]
async fn settings_are_shown_without_the_key() {
    let cloud = Cloud::start_with(|settings| settings.job_quota = 7).await;
    let (status, shown) = ask(cloud.client.http.get(url(&cloud, "/settings"))).await;
    assert_eq!((status, &shown["job-quota"], &shown["logs"]), (200, &json!(7), &json!("live")));
    assert_eq!(shown["pools"][0]["id"], "pool");
    assert!(!shown.to_string().contains(KEY), "{shown}");
}

#[tokio::test]
async fn an_invalid_fault_is_refused_with_a_reason() {
    let cloud = Cloud::start().await;
    for (body, part) in [
        (r#"{"fault": "make-job=503"}"#, "'make-job' is not an operation"),
        (r#"{"fault": "get-job#1=503", "times": 2}"#, "unknown field `times`"),
        (r#"{"fault": 1}"#, "invalid type"),
        ("{", "EOF"),
    ] {
        let request = cloud.client.http.post(url(&cloud, "/faults")).body(body);
        let (status, answer) = ask(request.header("content-type", "application/json")).await;
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(part), "{body}: {answer}");
    }
    assert_eq!(cloud.emulator.faults(), []);
}
