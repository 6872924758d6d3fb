//! Batch that is busy, broken, refusing or away.

use crate::scripted_service::{Reply, ScriptedService, batch_at, closed_endpoint};
use azure::{ErrorKind, batch::Traffic};
use std::{collections::HashSet, time::Duration};

const POOL: &str = r#"{"id":"p","state":"active"}"#;
const JOB: &str = r#"{"id":"j","state":"active"}"#;

#[tokio::test]
async fn a_busy_service_is_asked_again_with_a_new_signature() {
    let busy = Reply::new(429, &[("retry-after", "0")], "");
    let service = ScriptedService::start([busy, Reply::status(503), Reply::ok(JOB)]).await;
    assert_eq!(service.batch().get_job("j").await.unwrap().id, "j");
    let received = service.received();
    assert_eq!(service.calls(), ["GET /jobs/j"; 3]);
    let ids: HashSet<_> = received.iter().map(|r| &r.headers["client-request-id"]).collect();
    assert_eq!(ids.len(), 3, "each attempt is a request of its own");
    assert!(received.iter().all(|r| r.headers["authorization"].starts_with("SharedKey acct:")));
    assert!(received.iter().all(|r| r.headers.contains_key("ocp-date")));
}

#[tokio::test]
async fn a_client_counts_its_requests_and_how_long_the_account_held_them_back() {
    let busy = || Reply::new(429, &[("retry-after", "1")], "");
    let replies = [busy(), Reply::status(503), busy(), Reply::ok(JOB), Reply::ok(JOB)];
    let service = ScriptedService::start(replies).await;
    let batch = service.batch();
    assert_eq!(batch.traffic(), Traffic::default());
    batch.get_job("j").await.unwrap();
    let traffic = batch.clone().traffic();
    assert_eq!((traffic.requests, traffic.retries), (4, 3));
    assert!(traffic.throttled >= Duration::from_secs(2), "{:?}", traffic.throttled);
    batch.get_job("j").await.unwrap();
    assert_eq!((batch.traffic().requests, batch.traffic().retries), (5, 3));
}

#[tokio::test]
async fn a_service_that_stays_busy_is_given_up_after_the_last_attempt() {
    let service = ScriptedService::start(vec![Reply::error(503, "ServerBusy"); 9]).await;
    let error = service.batch().get_job("j").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(503), Some("ServerBusy")));
    assert_eq!(service.calls().len(), 4);
}

#[tokio::test]
async fn a_connection_that_drops_is_made_again() {
    let half = Reply::Break(b"HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n{\"id\"".to_vec());
    let service = ScriptedService::start([Reply::hang_up(), half, Reply::ok(JOB)]).await;
    assert_eq!(service.batch().get_job("j").await.unwrap().id, "j");
    assert_eq!(service.calls().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_final_and_says_code_and_request_id() {
    let service = ScriptedService::start([Reply::error(403, "AuthenticationFailed")]).await;
    let error = service.batch().get_pool("p").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot get pool 'p' at {}: 403 AuthenticationFailed: It failed. [request id r-42]",
            service.endpoint
        )
    );
    assert_eq!(error.request_id(), Some("r-42"));
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Service, false));
    assert_eq!(service.calls(), ["GET /pools/p"]);
}

#[tokio::test]
async fn a_pool_that_does_not_exist_is_told_from_one_that_does() {
    let service =
        ScriptedService::start([Reply::error(404, "PoolNotFound"), Reply::ok(POOL)]).await;
    let batch = service.batch();
    assert!(batch.get_pool("p").await.unwrap_err().is_not_found());
    assert_eq!(batch.get_pool("p").await.unwrap().id, "p");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_not_asked_for_again() {
    let service = ScriptedService::start([Reply::ok("<html>a proxy's page</html>")]).await;
    let error = service.batch().get_job("j").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("get job 'j'"), "{error}");
    assert_eq!(service.calls().len(), 1);
}

#[tokio::test]
async fn an_endpoint_at_which_nobody_listens_is_named() {
    let endpoint = closed_endpoint().await;
    let error = batch_at(&endpoint).get_pool("p").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().starts_with(&format!("cannot get pool 'p' at {endpoint}: ")));
}

/// The clock is paused: it jumps ahead to the deadline as soon as there is nothing left to do.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_is_named() {
    let service = ScriptedService::start(vec![Reply::Silence; 3]).await;
    let error = service.batch().get_pool("p").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains(&service.endpoint), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_first_answer_may_take_its_time_every_time() {
    for seconds in [3, 29] {
        let service = ScriptedService::start(vec![Reply::ok(POOL).after(seconds); 3]).await;
        assert_eq!(service.batch().get_pool("p").await.unwrap().id, "p");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_request_that_stands_still_is_made_again() {
    let service = ScriptedService::start([Reply::Silence, Reply::ok(POOL)]).await;
    assert_eq!(service.batch().get_pool("p").await.unwrap().id, "p");
}

/// A listener that nobody accepts from: the TLS handshake stands still.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_cannot_be_connected_is_given_up_in_five_seconds() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let start = tokio::time::Instant::now();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let error = batch_at(&endpoint).get_pool("p").await.unwrap_err();
    assert!(error.to_string().contains("no connection "), "{error}");
    assert!(start.elapsed().as_secs() <= 5, "{:?} of the paused clock", start.elapsed());
}

#[tokio::test]
async fn an_endpoint_that_answers_at_all_is_retried_as_always() {
    let service = ScriptedService::start([
        Reply::status(503),
        Reply::hang_up(),
        Reply::status(429),
        Reply::ok(POOL),
    ])
    .await;
    assert_eq!(service.batch().get_pool("p").await.unwrap().id, "p");
}

#[tokio::test]
async fn every_page_of_a_list_is_read_and_signed_and_empty_ones_do_not_end_it() {
    let service = ScriptedService::start([]).await;
    let link = |page| format!("{}/jobs?$skiptoken={page}&api-version=2025-06-01", service.endpoint);
    let page = |jobs: &str, next: &str| {
        Reply::ok(&format!(r#"{{"value":[{jobs}],"odata.nextLink":"{next}"}}"#))
    };
    service.queue(page(JOB, &link(2)));
    service.queue(page("", &link(3)));
    service.queue(Reply::ok(&format!(r#"{{"value":[{JOB}]}}"#)));
    assert_eq!(service.batch().list_jobs(Some("state eq 'active'")).await.unwrap().len(), 2);
    let received = service.received();
    assert!(received[0].target.contains("filter=state"), "{}", received[0].target);
    assert_eq!(received[1].target, "/jobs?$skiptoken=2&api-version=2025-06-01");
    let signatures: HashSet<_> = received.iter().map(|r| &r.headers["authorization"]).collect();
    assert_eq!(signatures.len(), 3, "a link's query is signed too");
}

#[tokio::test]
async fn a_list_that_leads_to_another_host_is_not_followed() {
    let page = r#"{"value":[],"odata.nextLink":"http://127.0.0.2:1/jobs"}"#;
    let service = ScriptedService::start([Reply::ok(page)]).await;
    let error = service.batch().list_jobs(None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}
