//! More runs than a throttled account can serve at once.

use crate::crowd::a_throttled_account_serves;

#[tokio::test]
#[ignore = "make long runs it"]
async fn two_hundred_runs_end_right_with_fifty_requests_a_second() {
    a_throttled_account_serves(200, 50, 10).await;
}

#[tokio::test]
#[ignore = "make long runs it"]
async fn five_hundred_runs_end_right_with_twenty_requests_a_second() {
    a_throttled_account_serves(500, 20, 10).await;
}
