//! What all requests have in common.

use serde_json::{Value, json};

use crate::support::{Cloud, merged, shell_task};

#[tokio::test]
async fn the_api_version_is_required_and_known() {
    let cloud = Cloud::start().await;
    let request = cloud.client.get("/pools/pool").without_version();
    request.send().await.expect_error(400, "MissingRequiredQueryParameter");
    for unknown in ["", "2016-02-01.3.0", "2025-06-01.20.0", "2024-07-01"] {
        let request = cloud.client.get("/pools/pool").query("api-version", unknown);
        let reply = request.send().await.expect_error(400, "InvalidQueryParameterValue");
        assert_eq!(reply.value("QueryParameterName"), "api-version");
        assert!(reply.value("Reason").contains("2025-06-01, 2024-07-01.20.0, "), "{}", reply.text);
    }
}

#[tokio::test]
async fn every_version_that_clients_send_is_accepted() {
    let cloud = Cloud::start().await;
    let clients = [
        ("azure-batch 15.1 for Python, Azure.Compute.Batch 1", "2025-06-01"),
        ("@azure-rest/batch", "2024-07-01.20.0"),
        ("az CLI 2.91, Az.Batch of PowerShell", "2024-02-01.19.0"),
        ("recorded sessions of azure-compute-batch for Java", "2023-11-01.18.0"),
        ("recorded sessions of azure-compute-batch for Java and of az", "2023-05-01.17.0"),
        ("@azure/batch 10.2 for JavaScript", "2022-10-01.16.0"),
        ("azure-batch for Java", "2022-01-01.15.0"),
        ("azure-batch 11 for Java", "2019-08-01.10.0"),
    ];
    for (number, (client, version)) in clients.into_iter().enumerate() {
        let body = json!({"id": format!("job{number}"), "poolInfo": {"poolId": "pool"}});
        let create = cloud.client.post("/jobs").json(&body).query("api-version", version);
        assert_eq!(create.send().await.status, 201, "{client}");
    }
}

#[tokio::test]
async fn an_unknown_query_parameter_is_refused_and_named() {
    let cloud = Cloud::start().await;
    let reply = cloud.client.get("/jobs").query("pageSize", "3").send().await;
    let reply = reply.expect_error(400, "UnsupportedQueryParameter");
    assert_eq!(reply.value("QueryParameterName"), "pageSize");
}

#[tokio::test]
async fn an_unknown_property_is_refused_and_named() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let body = merged(shell_task("task", "true"), json!({"image": "x"}));
    let reply = cloud.client.post("/jobs/job/tasks").json(&body).send().await;
    assert_eq!(reply.expect_error(400, "InvalidRequestBody").value("PropertyName"), "image");
}

#[tokio::test]
async fn what_the_emulator_does_not_do_is_refused_and_named() {
    let cloud = Cloud::start().await;
    let body = json!({
        "id": "job",
        "poolInfo": {"poolId": "pool"},
        "networkConfiguration": {"subnetId": "x"},
    });
    let reply = cloud.client.post("/jobs").json(&body).send().await;
    let reply = reply.expect_error(400, "UnsupportedProperty");
    assert_eq!(reply.value("PropertyName"), "networkConfiguration");
    assert!(reply.value("Reason").contains("not supported by the emulator"));
    cloud.get("/jobs/job").await.expect_error(404, "JobNotFound");
}

#[tokio::test]
async fn a_body_may_have_1048576_bytes() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let task = |padding: usize| {
        merged(shell_task("task", "true"), json!({"commandLine": "x".repeat(padding)}))
    };
    let room = 1_048_576 - task(0).to_string().len();
    let reply = cloud.client.post("/jobs/job/tasks").json(&task(room + 1)).send().await;
    reply.expect_error(413, "RequestBodyTooLarge");
    let reply = cloud.client.post("/jobs/job/tasks").json(&task(8 * room)).send().await;
    reply.expect_error(413, "RequestBodyTooLarge");
    cloud.client.post("/jobs/job/tasks").json(&task(room)).send().await.expect(201);
}

#[tokio::test]
async fn a_path_or_verb_that_does_not_exist_is_refused() {
    let cloud = Cloud::start().await;
    cloud.get("/nodes").await.expect_error(400, "InvalidUri");
    cloud
        .client
        .patch("/jobs")
        .json(&json!({}))
        .send()
        .await
        .expect_error(405, "UnsupportedHttpVerb");
}

#[tokio::test]
async fn an_operation_that_the_emulator_does_not_have_is_answered_with_501() {
    let cloud = Cloud::start().await;
    for (path, name) in [
        ("/applications/a", "Get Application"),
        ("/certificates(thumbprintAlgorithm=sha1,thumbprint=00)", "Get Certificate"),
        ("/pools/pool/nodes/node/extensions", "List Node Extensions"),
    ] {
        let reply = cloud.get(path).await.expect_error(501, "NotImplemented");
        assert_eq!(reply.value("Operation"), name);
    }
    let delete = cloud.client.delete("/applications/a").send().await;
    delete.expect_error(405, "UnsupportedHttpVerb");
}

#[tokio::test]
async fn only_statistics_can_be_expanded() {
    let cloud = Cloud::start().await;
    cloud.client.get("/jobs").query("$expand", "stats").send().await.expect(200);
    let reply = cloud.client.get("/jobs").query("$expand", "tasks").send().await;
    reply.expect_error(400, "InvalidQueryParameterValue");
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_echoes_the_clients_if_asked_to() {
    let cloud = Cloud::start().await;
    let plain = cloud.client.get("/jobs").header("client-request-id", "mine").send().await;
    assert_eq!(plain.header("client-request-id"), "");
    assert_eq!(plain.header("request-id").len(), 36);
    let request = cloud.client.get("/jobs/none").header("client-request-id", "mine");
    let echoed = request.header("return-client-request-id", "true").send().await.expect(404);
    assert_eq!(echoed.header("client-request-id"), "mine");
    let text = echoed.body["message"]["value"].as_str().unwrap();
    assert!(text.contains(&format!("RequestId:{}", echoed.header("request-id"))));
}

#[tokio::test]
async fn a_body_of_another_content_type_is_refused() {
    let cloud = Cloud::start().await;
    let reply = cloud.client.post("/jobs").send().await;
    assert_eq!(reply.expect_error(400, "InvalidHeaderValue").value("HeaderName"), "Content-Type");
}

#[tokio::test]
async fn requests_are_recorded_in_order_and_logged_as_json_lines() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("requests.jsonl");
    let cloud = Cloud::start_with(|settings| settings.request_log = Some(log.clone())).await;
    cloud.get("/pools/pool").await.expect(200);
    cloud.client.get("/jobs/none").header("client-request-id", "mine").send().await.expect(404);
    let requests = cloud.emulator.requests();
    let seen: Vec<_> =
        requests.iter().map(|one| (one.method.as_str(), one.path.as_str(), one.status)).collect();
    assert_eq!(seen, [("GET", "/pools/pool", 200), ("GET", "/jobs/none", 404)]);
    let text = std::fs::read_to_string(log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["code"], "JobNotFound");
    assert_eq!(lines[1]["client-request-id"], "mine");
    assert_eq!(lines[1]["query"], "api%2Dversion=2025%2D06%2D01");
}

#[tokio::test]
async fn after_its_end_the_emulator_answers_nobody_not_even_on_an_open_connection() {
    let cloud = Cloud::start().await;
    cloud.get("/pools/pool").await.expect(200);
    let endpoint = cloud.emulator.endpoint();
    cloud.emulator.shutdown().await;
    assert!(cloud.client.http.get(endpoint).send().await.is_err());
}

#[tokio::test]
async fn a_pool_shows_its_node_and_its_container_configuration() {
    let cloud = Cloud::start().await;
    let pool = cloud.get("/pools/POOL").await.expect(200);
    assert_eq!(pool.body["id"], "pool");
    assert_eq!(pool.body["allocationState"], "steady");
    assert_eq!(pool.body["currentDedicatedNodes"], 1);
    assert_eq!(pool.body["eTag"], pool.header("etag"));
    let containers = &pool.body["virtualMachineConfiguration"]["containerConfiguration"];
    assert_eq!(containers["type"], "dockerCompatible");
    cloud.get("/pools/other").await.expect_error(404, "PoolNotFound");
}
