//! The admin endpoint, as a program on this machine and as a web page would see it.

use serde_json::{Value, json};

use crate::support::Cloud;

async fn ask(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

fn url(cloud: &Cloud, path: &str) -> String {
    format!("{}/_emulator{path}", cloud.emulator.endpoint())
}

/// How often an operation was answered, and how often with success.
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
    let counts = cloud.emulator.operations();
    assert_eq!(counts.iter().map(|one| one.answered).sum::<u64>(), 3);
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
async fn no_web_page_may_use_it() {
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
async fn what_it_does_not_have_is_refused_in_words() {
    let cloud = Cloud::start().await;
    let (status, body) = ask(cloud.client.http.get(url(&cloud, "/nothing"))).await;
    let text = "there is no /_emulator/nothing; there is /_emulator/operations";
    assert_eq!((status, &body), (404, &json!({"error": text})));
    let (status, body) = ask(cloud.client.http.put(url(&cloud, "/operations"))).await;
    assert_eq!((status, &body), (405, &json!({"error": "/_emulator/operations has no PUT"})));
}
