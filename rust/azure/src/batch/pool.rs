//! Pools.

use super::{BatchClient, client, model::Pool, request::Request};
use crate::{
    Result, encode,
    exchange::{MAX_DOCUMENT, Wanted},
    retry::Contact,
};
use url::Url;

impl BatchClient {
    /// Reads a pool. This is the first call of a run: an endpoint that cannot be connected is
    /// given up after 5 s and one that does not answer after 30 s, while an answer such as 503 is
    /// retried as always.
    ///
    /// [Get Pool](https://learn.microsoft.com/rest/api/batchservice/pools/get-pool)
    ///
    /// # Errors
    /// `PoolNotFound` (404), `Unreachable`, and whatever the service refuses.
    pub async fn get_pool(&self, pool: &str) -> Result<Pool> {
        let request = get_pool_request(self.endpoint(), pool);
        let wanted = Wanted::AtMost(MAX_DOCUMENT);
        let answer = self.send_with(Contact::First, &request, wanted).await?;
        client::parse(&request, &answer)
    }
}

fn get_pool_request(endpoint: &Url, pool: &str) -> Request {
    let path = format!("/pools/{}", encode::segment(pool));
    Request::get(endpoint, &path, &format!("get pool '{pool}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_asked_for_by_its_encoded_id() {
        let endpoint = Url::parse("https://h.example").unwrap();
        let request = get_pool_request(&endpoint, "a/b");
        assert_eq!(request.url.as_str(), "https://h.example/pools/a%2Fb?api-version=2025-06-01");
    }
}
