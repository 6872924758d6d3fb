//! Invalid requests and misbehaving clients: the emulator refuses them, continues, and other
//! clients are not affected.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::connection::{answer, connection};
use crate::support::{Cloud, shell_task, until};

/// Returns the first line of the response to bytes that are not a request.
async fn first_line(cloud: &Cloud, bytes: &[u8]) -> String {
    answer(connection(cloud, bytes).await).await.lines().next().unwrap_or("").to_owned()
}

/// Another client is answered, on its own connection.
async fn is_answered(cloud: &Cloud) {
    let line = first_line(cloud, &cloud.client.get("/pools/pool").bytes()).await;
    assert_eq!(line, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_body_that_is_no_json_or_of_other_types_is_refused() {
    let cloud = Cloud::start().await;
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"job\"",
        "{\"id\": \"job\", \"poolInfo\": {\"poolId\": \"pool\"}} more",
        "{\"id\": \"job\", \"id\": \"job\", \"poolInfo\": {\"poolId\": \"pool\"}}",
        "{\"id\": 1, \"poolInfo\": {\"poolId\": \"pool\"}}",
        "{\"id\": \"job\", \"poolInfo\": \"pool\"}",
        "{\"id\": \"job\", \"poolInfo\": {\"poolId\": \"pool\"}, \"priority\": 1e999}",
        "{\"id\": \"job\", \"poolInfo\": {\"poolId\": \"pool\"}, \"priority\": \"high\"}",
        "{\"id\": \"\\ud800\", \"poolInfo\": {\"poolId\": \"pool\"}}",
        &nested,
    ] {
        let reply = cloud.client.post("/jobs").text(body).send().await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(reply.status, 400, "{shown}: {}", reply.text);
        assert_eq!(reply.body["code"], "InvalidRequestBody", "{shown}: {}", reply.text);
    }
    assert_eq!(cloud.get("/jobs").await.expect(200).body["value"], json!([]));
}

#[tokio::test]
async fn a_verb_that_a_resource_does_not_have_is_refused_whatever_it_is() {
    let cloud = Cloud::start().await;
    for verb in ["PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let reply = cloud.client.request(verb, "/jobs").send().await;
        let reply = reply.expect_error(405, "UnsupportedHttpVerb");
        assert_eq!(reply.value("HttpVerb"), verb);
    }
}

#[tokio::test]
async fn no_name_of_a_file_leads_out_of_the_tasks_directory() {
    let root = tempfile::tempdir().unwrap();
    let cloud =
        Cloud::start_with(|settings| settings.node_root = Some(root.path().join("nodes"))).await;
    std::fs::write(root.path().join("secret"), "secret").unwrap();
    cloud.run("echo out").await;
    let up = "..%2f".repeat(6);
    let dots = "%2e%2e/".repeat(6);
    for name in [
        "../secret",
        "%2e%2e/%2e%2e/secret",
        &format!("{up}secret"),
        &format!("{dots}secret"),
        &format!("wd/{up}../secret"),
        "%2Fetc%2Fpasswd",
        "//etc/passwd",
        "wd%00/../../secret",
        "stdout.txt%00",
        "..%5c..%5csecret",
        "%ff%fe",
        &"a".repeat(5_000),
        &"a/".repeat(3_000),
    ] {
        let target = format!("/jobs/run/tasks/task/files/{name}");
        for verb in ["GET", "HEAD", "DELETE"] {
            // On a raw connection, because a client library would normalise the path.
            let bytes = cloud.client.request(verb, &target).bytes_at(&target);
            let text = answer(connection(&cloud, &bytes).await).await;
            let status = text.split(' ').nth(1).unwrap_or("");
            assert!(["400", "404"].contains(&status), "{verb} {name}: {text}");
            assert!(!text.contains("root:") && !text.ends_with("secret"), "{verb} {name}: {text}");
        }
    }
    assert_eq!(std::fs::read_to_string(root.path().join("secret")).unwrap(), "secret");
    assert_eq!(cloud.output("stdout.txt").await, "out\n");
    assert_eq!(root.path().read_dir().unwrap().count(), 2, "nodes and the secret");
}

#[tokio::test]
async fn oversized_headers_or_invalid_http_close_only_that_connection() {
    let cloud = Cloud::start().await;
    let with_header = |header: &str| {
        format!("GET /jobs HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n")
    };
    let long = format!("a: {}\r\n", "x".repeat(100_000));
    let many = "a: b\r\n".repeat(1_000);
    for (bytes, line) in [
        (with_header(&long), "HTTP/1.1 431 Request Header Fields Too Large"),
        (with_header(&many), "HTTP/1.1 431 Request Header Fields Too Large"),
        (
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)),
            "HTTP/1.1 431 Request Header Fields Too Large",
        ),
        (with_header("no colon\r\n"), "HTTP/1.1 400 Bad Request"),
        (with_header("a b: c\r\n"), "HTTP/1.1 400 Bad Request"),
        (with_header("content-length: -1\r\n"), "HTTP/1.1 400 Bad Request"),
        (with_header("content-length: 1\r\ncontent-length: 2\r\n"), "HTTP/1.1 400 Bad Request"),
        ("GET /jobs HTTP/9.9\r\n\r\n".to_owned(), "HTTP/1.1 400 Bad Request"),
        ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned(), "HTTP/1.1 400 Bad Request"),
    ] {
        let shown: String = bytes.chars().take(60).collect();
        assert_eq!(first_line(&cloud, bytes.as_bytes()).await, line, "{shown:?}");
        is_answered(&cloud).await;
    }
}

#[tokio::test]
async fn a_client_that_is_silent_within_a_request_is_disconnected_and_others_are_answered() {
    let silence = Duration::from_millis(300);
    let cloud = Cloud::start_with(|settings| settings.client_timeout = silence).await;
    let whole =
        cloud.client.post("/jobs").json(&json!({"id": "job", "poolInfo": {"poolId": "pool"}}));
    let whole = whole.bytes();
    for part in [&[][..], &whole[..20], &whole[..whole.len() - 3]] {
        let waiting = connection(&cloud, part).await;
        is_answered(&cloud).await;
        assert_eq!(answer(waiting).await, "");
    }
    cloud.get("/jobs/job").await.expect(404);
}

#[tokio::test]
async fn a_client_that_disconnects_changes_nothing_but_what_it_requested() {
    let cloud = Cloud::start().await;
    cloud.run("head -c 20000000 /dev/zero").await;
    let body = json!({"id": "job", "poolInfo": {"poolId": "pool"}});
    let bytes = cloud.client.post("/jobs").json(&body).bytes();
    drop(connection(&cloud, &bytes[..bytes.len() - 1]).await);
    let file = cloud.client.get("/jobs/run/tasks/task/files/stdout.txt").bytes();
    let mut reading = connection(&cloud, &file).await;
    assert_eq!(reading.read(&mut [0; 100]).await.unwrap(), 100);
    drop(reading);
    is_answered(&cloud).await;
    cloud.get("/jobs/job").await.expect(404);
    assert_eq!(cloud.output("stdout.txt").await.len(), 20_000_000);
    let cut_off = cloud.emulator.requests();
    assert!(!cut_off.iter().any(|one| one.status >= 500), "{cut_off:?}");
}

#[tokio::test]
async fn many_connections_that_do_nothing_leave_the_others_alone() {
    let cloud = Cloud::start().await;
    let mut idle: Vec<TcpStream> = Vec::new();
    for number in 0..500 {
        let part: &[u8] = if number % 2 == 0 { b"" } else { b"GET /jobs HTTP/1.1\r\nho" };
        idle.push(connection(&cloud, part).await);
    }
    cloud.job("job").await;
    let task = shell_task("task", "echo out");
    cloud.client.post("/jobs/job/tasks").json(&task).send().await.expect(201);
    cloud.completed("job", "task").await;
    drop(idle);
    until("an answer", || async { (cloud.get("/jobs/job").await.status == 200).then_some(()) })
        .await;
}
