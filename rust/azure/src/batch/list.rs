//! Lists that come in pages.

use super::{BatchClient, client::parse, model::Page, request::Request};
use crate::{Error, Result, exchange::MAX_LIST};
use serde::de::DeserializeOwned;
use url::Url;

/// A thousand items a page: far more than the service keeps for an account.
const MAX_PAGES: usize = 1_000;

impl BatchClient {
    /// All items of a list, over all pages.
    pub(crate) async fn list<T: DeserializeOwned>(&self, mut request: Request) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut size = 0;
        for _ in 0..MAX_PAGES {
            let answer = self.send(&request).await?;
            let page: Page<T> = parse(&request, &answer)?;
            items.extend(page.value);
            size += answer.body.len();
            if size > MAX_LIST {
                break;
            }
            match page.next_link {
                Some(link) => request = next_page_request(&request, self.endpoint(), &link)?,
                None => return Ok(items),
            }
        }
        let longest = format!("the list is longer than {MAX_PAGES} pages or {MAX_LIST} bytes");
        Err(Error::protocol(longest).during(&request.action))
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
