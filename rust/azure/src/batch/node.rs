//! Nodes.

use super::{BatchClient, model::Node, request::Request};
use crate::{Result, encode};
use url::Url;

/// What [`Node`] holds.
const PROPERTIES: &str = "id,state,schedulingState,startTaskInfo,errors";

impl BatchClient {
    /// Lists the nodes of a pool, over all pages.
    ///
    /// [List Nodes](https://learn.microsoft.com/rest/api/batchservice/nodes/list-nodes)
    ///
    /// # Errors
    /// `PoolNotFound` (404), and others of the service.
    pub async fn list_nodes(&self, pool: &str) -> Result<Vec<Node>> {
        self.list(list_nodes_request(self.endpoint(), pool)).await
    }
}

fn list_nodes_request(endpoint: &Url, pool: &str) -> Request {
    let path = format!("/pools/{}/nodes", encode::segment(pool));
    Request::get(endpoint, &path, &format!("list the nodes of pool '{pool}'"))
        .with_query("$select", PROPERTIES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_asked_for_with_what_is_read_of_them() {
        let endpoint = Url::parse("https://h.example").unwrap();
        let request = list_nodes_request(&endpoint, "a/b");
        assert_eq!(
            request.url.as_str(),
            "https://h.example/pools/a%2Fb/nodes?api-version=2025-06-01\
             &$select=id%2Cstate%2CschedulingState%2CstartTaskInfo%2Cerrors"
        );
    }
}
