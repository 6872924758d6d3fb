//! Shared Key over HTTP. Unit tests next to the code check the strings to sign.

use time::{Duration, OffsetDateTime};

use crate::support::client::now;
use crate::support::{ACCOUNT, Cloud};

#[tokio::test]
async fn a_wrong_signature_is_forbidden() {
    let cloud = Cloud::start().await;
    let credential = format!("SharedKey {ACCOUNT}:AAAA");
    let reply = cloud.client.get("/pools/pool").send_as(&credential, &now()).await;
    let reply = reply.expect_error(403, "AuthenticationFailed");
    assert!(reply.value("AuthenticationErrorDetail").contains("/batchacc/pools/pool"));
}

#[tokio::test]
async fn a_request_without_authorization_is_forbidden() {
    let cloud = Cloud::start().await;
    let reply = cloud.client.get("/pools/pool").send_as("", &now()).await;
    reply.expect_error(403, "AuthenticationFailed");
}

#[tokio::test]
async fn an_authorization_of_another_form_is_a_bad_request() {
    let cloud = Cloud::start().await;
    for header in ["SharedKey", "SharedKey no-colon", &format!("SharedKey {ACCOUNT}:not base64!")] {
        let reply = cloud.client.get("/pools/pool").send_as(header, &now()).await;
        reply.expect_error(400, "InvalidAuthenticationInfo");
    }
}

#[tokio::test]
async fn a_clock_may_be_off_by_less_than_15_minutes() {
    let cloud = Cloud::start().await;
    for (minutes, status) in [(-16, 403), (-14, 200), (14, 200), (16, 403)] {
        let at = OffsetDateTime::now_utc() + Duration::minutes(minutes);
        cloud.client.get("/pools/pool").send_at(at).await.expect(status);
    }
}

#[tokio::test]
async fn nothing_is_changed_by_a_request_that_is_not_authenticated() {
    let cloud = Cloud::start().await;
    cloud.job("job").await;
    let credential = format!("SharedKey {ACCOUNT}:AAAA");
    cloud.client.delete("/jobs/job").send_as(&credential, &now()).await.expect(403);
    let job = cloud.get("/jobs/job").await.expect(200);
    assert_eq!(job.body["state"], "active");
}
