//! Lists that come in pages.

use super::{BatchClient, model::Page, request::Request};
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use url::Url;

/// A thousand items a page: far more than the service keeps for an account.
const MAX_PAGES: usize = 1_000;

impl BatchClient {
    /// All items of a list, over all pages.
    pub(crate) async fn list<T: DeserializeOwned>(&self, mut request: Request) -> Result<Vec<T>> {
        let mut items = Vec::new();
        for _ in 0..MAX_PAGES {
            let page: Page<T> = self.send_for(&request).await?;
            items.extend(page.value);
            match page.next_link {
                Some(link) => request = next_page_request(&request, self.endpoint(), &link)?,
                None => return Ok(items),
            }
        }
        Err(Error::protocol(format!("more than {MAX_PAGES} pages")).during(&request.action))
    }
}

/// The next page's link is followed as it is and signed like any other. It must lead to the same
/// account: no other host gets a signature of ours.
fn next_page_request(previous: &Request, endpoint: &Url, link: &str) -> Result<Request> {
    match Url::parse(link) {
        Ok(url) if url.origin() == endpoint.origin() => Ok(Request { url, ..previous.clone() }),
        _ => Err(Error::protocol("the link to the next page leads to another host")
            .during(&previous.action)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_link_to_another_host_is_refused() {
        let endpoint = Url::parse("https://h.example").unwrap();
        let list = Request::get(&endpoint, "/jobs", "list jobs");
        for link in ["https://evil.example/jobs?skiptoken=1", "http://h.example/jobs", "jobs"] {
            assert!(next_page_request(&list, &endpoint, link).is_err(), "{link}");
        }
        let link = "https://h.example/jobs?$skiptoken=1&api-version=2025-06-01";
        assert_eq!(next_page_request(&list, &endpoint, link).unwrap().url.as_str(), link);
    }
}
