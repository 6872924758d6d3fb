//! Faults of requests, as clients see them.

use std::time::{Duration, Instant};

use azure_batch_emulator::Fault;
use serde_json::json;

use crate::support::client::Request;
use crate::support::connection::{answer, connection};
use crate::support::{Cloud, until};

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

fn create<'a>(cloud: &'a Cloud, id: &str) -> Request<'a> {
    cloud.client.post("/jobs").json(&json!({"id": id, "poolInfo": {"poolId": "pool"}}))
}

#[tokio::test]
async fn a_refused_request_has_no_effect_and_the_error_of_the_catalogue() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("create-job#1=429,retry-after=7"));
    cloud.emulator.inject(fault("create-job#2=429"));
    cloud.emulator.inject(fault("create-job#3=500"));
    cloud.emulator.inject(fault("create-job#4=503,retry-after=0"));
    for (status, code, retry_after) in [
        (429, "TooManyRequests", "7"),
        (429, "TooManyRequests", ""),
        (500, "InternalError", ""),
        (503, "ServerBusy", "0"),
    ] {
        let reply = create(&cloud, "job").send().await.expect_error(status, code);
        assert_eq!(reply.header("retry-after"), retry_after);
        assert_eq!(reply.header("request-id").len(), 36);
        cloud.get("/jobs/job").await.expect_error(404, "JobNotFound");
    }
    create(&cloud, "job").send().await.expect(201);
}

#[tokio::test]
async fn a_429_may_come_after_the_work_was_done() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("create-job#1=429-after,retry-after=30"));
    let reply = create(&cloud, "job").send().await.expect_error(429, "TooManyRequests");
    assert_eq!(reply.header("retry-after"), "30");
    let message = reply.body["message"]["value"].as_str().unwrap();
    let said = "Request failed as server encountered too many requests. Please try again.\n";
    assert!(message.starts_with(said), "{message}");
    create(&cloud, "job").send().await.expect_error(409, "JobExists");
    let requests = cloud.emulator.requests();
    let first = (requests[0].status, requests[0].fault.as_deref());
    assert_eq!(first, (429, Some("create-job#1=429-after,retry-after=30")));
}

#[tokio::test]
async fn a_request_that_is_dropped_before_its_effect_gets_no_byte_and_has_no_effect() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("create-job#1=drop-before"));
    let bytes = create(&cloud, "job").bytes();
    assert_eq!(answer(connection(&cloud, &bytes).await).await, "");
    cloud.get("/jobs/job").await.expect_error(404, "JobNotFound");
    let text = answer(connection(&cloud, &bytes).await).await;
    assert!(text.starts_with("HTTP/1.1 201 "), "{text}");
}

#[tokio::test]
async fn a_request_that_is_dropped_after_its_effect_gets_no_byte_and_is_carried_out() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("create-job#1=drop-after"));
    let bytes = create(&cloud, "job").bytes();
    assert_eq!(answer(connection(&cloud, &bytes).await).await, "");
    create(&cloud, "job").send().await.expect_error(409, "JobExists");
    cloud.emulator.inject(fault("delete-job=drop-after"));
    assert!(cloud.client.delete("/jobs/job").try_send().await.is_err());
    assert_ne!(cloud.get("/jobs/job").await.body["state"], "active");
}

#[tokio::test]
async fn a_cut_answer_ends_before_its_body() {
    let cloud = Cloud::start().await;
    cloud.run("echo 0123456789").await;
    cloud.emulator.inject(fault("get-task-file#1..2=cut"));
    let path = "/jobs/run/tasks/task/files/stdout.txt";
    assert!(cloud.client.get(path).try_send().await.is_err());
    let text = answer(connection(&cloud, &cloud.client.get(path).bytes()).await).await;
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    assert!(text.contains("transfer-encoding: chunked\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n5\r\n01234\r\n"), "{text}");
    assert_eq!(cloud.get(path).await.text, "0123456789\n");
}

#[tokio::test]
async fn an_answer_without_a_body_cannot_be_cut_and_is_dropped() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("create-job=cut"));
    assert_eq!(answer(connection(&cloud, &create(&cloud, "job").bytes()).await).await, "");
    cloud.get("/jobs/job").await.expect(200);
}

#[tokio::test]
async fn a_delayed_request_is_carried_out_later() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("create-job=delay,ms=300"));
    let begun = Instant::now();
    create(&cloud, "job").send().await.expect(201);
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_stalled_request_gets_no_answer_before_the_emulator_ends() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("create-job#1=stall-before"));
    cloud.emulator.inject(fault("create-job#2=stall-after"));
    let before = connection(&cloud, &create(&cloud, "before").bytes()).await;
    until("the first fault", || async { (cloud.emulator.faults()[0].fired == 1).then_some(()) })
        .await;
    let after = connection(&cloud, &create(&cloud, "after").bytes()).await;
    until("the second job", || async {
        (cloud.get("/jobs/after").await.status == 200).then_some(())
    })
    .await;
    cloud.get("/jobs/before").await.expect(404);
    let mut byte = [0];
    for stream in [&before, &after] {
        assert!(stream.try_read(&mut byte).is_err(), "an answer or an end");
    }
    cloud.emulator.shutdown().await;
    assert_eq!((answer(before).await, answer(after).await), (String::new(), String::new()));
}

#[tokio::test]
async fn a_fault_counts_its_operation_and_any_counts_all() {
    let cloud = Cloud::start_with(|settings| {
        settings.faults = vec![fault("get-job#2..3=503"), fault("any#5..=500")];
    })
    .await;
    let mut statuses = Vec::new();
    for path in ["/jobs/a", "/jobs", "/jobs/a", "/jobs/a", "/jobs", "/none", "/jobs/a"] {
        statuses.push(cloud.get(path).await.status);
    }
    assert_eq!(statuses, [404, 200, 503, 503, 500, 500, 500]);
    let counts: Vec<_> = cloud.emulator.faults().iter().map(|one| (one.seen, one.fired)).collect();
    assert_eq!(counts, [(4, 2), (7, 3)]);
    cloud.emulator.clear_faults();
    cloud.get("/jobs").await.expect(200);
    assert_eq!(cloud.emulator.faults(), []);
}

#[tokio::test]
async fn a_fault_applies_to_any_request_and_shows_in_the_record() {
    let cloud = Cloud::start().await;
    cloud.emulator.inject(fault("list-jobs#1=429"));
    cloud.emulator.inject(fault("get-job#1=drop-before"));
    let reply = cloud.client.get("/jobs").send_as("", "").await;
    reply.expect_error(429, "TooManyRequests");
    assert!(cloud.client.get("/jobs/a").try_send().await.is_err());
    cloud.get("/jobs/a").await.expect(404);
    let requests = cloud.emulator.requests();
    let seen: Vec<_> =
        requests.iter().map(|one| (one.status, one.fault.as_deref().unwrap_or(""))).collect();
    let expected = [(429, "list-jobs#1=429"), (0, "get-job#1=drop-before"), (404, "")];
    assert_eq!(seen[seen.len() - 3..], expected);
}

#[tokio::test]
async fn a_clock_offset_applies_to_date_checks_and_responses() {
    for (offset, status) in [(14, 200), (-14, 200), (16, 403), (-16, 403)] {
        let cloud = Cloud::start_with(|settings| settings.clock_offset = offset).await;
        let reply = cloud.get("/jobs").await.expect(status);
        let told = httpdate(reply.header("date"));
        let ahead = (told - time::OffsetDateTime::now_utc()).whole_seconds();
        assert!((ahead - i64::from(offset) * 60).abs() < 30, "{offset}: {ahead}");
        let their_time = time::OffsetDateTime::now_utc() + time::Duration::minutes(offset.into());
        cloud.client.get("/jobs").send_at(their_time).await.expect(200);
    }
}

fn httpdate(text: &str) -> time::OffsetDateTime {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    time::PrimitiveDateTime::parse(text, format).unwrap().assume_utc()
}
