//! The Authorization header of Batch.
//!
//! [Authenticate via Shared Key](https://learn.microsoft.com/rest/api/batchservice/authenticate-requests-to-the-azure-batch-service)

use crate::{Result, SharedKey};
use reqwest::Method;
use url::Url;

/// The parts of a request that are signed. They must be sent as they are here.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    pub(crate) content_length: Option<usize>,
    pub(crate) content_type: Option<&'a str>,
    /// The `ocp-*` headers, names in lower case.
    pub(crate) headers: &'a [(&'static str, String)],
}

impl Signed<'_> {
    /// The value of the Authorization header.
    pub(crate) fn authorization(&self, key: &SharedKey) -> Result<String> {
        let signature = key.sign(&self.string_to_sign(key.account()))?;
        Ok(format!("SharedKey {}:{signature}", key.account()))
    }

    /// Twelve lines, of which we use three, then the `ocp-*` headers and the resource. The Date
    /// and Range lines stay empty because `ocp-date` and `ocp-range` stand for them.
    fn string_to_sign(&self, account: &str) -> String {
        let method = self.method;
        let length = self.content_length.map(|length| length.to_string()).unwrap_or_default();
        let content_type = self.content_type.unwrap_or_default();
        let headers = self.canonicalized_headers();
        let resource = canonicalized_resource(account, self.url);
        format!("{method}\n\n\n{length}\n\n{content_type}\n\n\n\n\n\n\n{headers}{resource}")
    }

    fn canonicalized_headers(&self) -> String {
        let mut lines: Vec<_> =
            self.headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        lines.sort();
        lines.concat()
    }
}

/// Account and encoded path, then the decoded parameters in the order of their names.
fn canonicalized_resource(account: &str, url: &Url) -> String {
    let mut parameters: Vec<_> =
        url.query_pairs().map(|(name, value)| (name.to_lowercase(), value.into_owned())).collect();
    parameters.sort();
    let parameters: String =
        parameters.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
    format!("/{account}{}{parameters}", url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed<'a>(method: &'a Method, url: &'a Url, body: Option<(usize, &'a str)>) -> Signed<'a> {
        Signed {
            method,
            url,
            content_length: body.map(|(length, _)| length),
            content_type: body.map(|(_, content_type)| content_type).filter(|t| !t.is_empty()),
            headers: &[],
        }
    }

    /// "a key of the test" in base64.
    fn key() -> SharedKey {
        SharedKey::new("myaccount", "YSBrZXkgb2YgdGhlIHRlc3Q=").unwrap()
    }

    /// Written by hand from the documentation's template. The signature was computed with
    /// `printf 'GET\n\n...' | openssl dgst -sha256 -hmac 'a key of the test' -binary | base64`,
    /// and Microsoft's azure-batch 14.2.0 for Python makes the same of this request.
    #[test]
    fn a_get_is_signed_as_the_documentation_says() {
        let url = Url::parse(
            "https://myaccount.westeurope.batch.azure.com/jobs/j%20b/tasks/t/files/stdout.txt?api-version=2025-06-01",
        )
        .unwrap();
        let headers = [
            ("ocp-range", "bytes=0-9".to_owned()),
            ("ocp-date", "Tue, 29 Jul 2014 21:49:13 GMT".to_owned()),
        ];
        let signed = Signed { headers: &headers, ..signed(&Method::GET, &url, None) };
        assert_eq!(
            signed.string_to_sign("myaccount"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\n\
             ocp-date:Tue, 29 Jul 2014 21:49:13 GMT\n\
             ocp-range:bytes=0-9\n\
             /myaccount/jobs/j%20b/tasks/t/files/stdout.txt\n\
             api-version:2025-06-01"
        );
        assert_eq!(
            signed.authorization(&key()).unwrap(),
            "SharedKey myaccount:sQiv3SiIIkwsr3tRRs/kU0c5QlX0a29humbZ04I66nE="
        );
    }

    /// Written by hand as above. The signature was computed with Python's
    /// `base64.b64encode(hmac.new(b"a key of the test", text.encode(), "sha256").digest())`,
    /// and azure-batch 14.2.0 makes the same of this request.
    #[test]
    fn a_post_signs_its_length_and_type_and_its_parameters_decoded_and_sorted() {
        let url = Url::parse(
            "https://myaccount.r.batch.azure.com/jobs?maxresults=2&api-version=2025-06-01&$filter=id%20eq%20%27a%2Bb%27",
        )
        .unwrap();
        let body = Some((12, "application/json; odata=minimalmetadata"));
        let headers = [("ocp-date", "Sun, 22 Nov 2026 17:10:00 GMT".to_owned())];
        let signed = Signed { headers: &headers, ..signed(&Method::POST, &url, body) };
        assert_eq!(
            signed.string_to_sign("myaccount"),
            "POST\n\n\n12\n\napplication/json; odata=minimalmetadata\n\n\n\n\n\n\n\
             ocp-date:Sun, 22 Nov 2026 17:10:00 GMT\n\
             /myaccount/jobs\n$filter:id eq 'a+b'\napi-version:2025-06-01\nmaxresults:2"
        );
        assert_eq!(
            signed.authorization(&key()).unwrap(),
            "SharedKey myaccount:xPjoPL19P6wxNTNKOEZ3iXp5pYJvOho8Gzr/wbDD67k="
        );
    }

    /// The signature is that of azure-batch 14.2.0; the text is written by hand.
    #[test]
    fn a_call_without_a_body_signs_the_zero_that_it_sends() {
        let url = Url::parse("https://h.example/jobs/j?api-version=2025-06-01").unwrap();
        let headers = [("ocp-date", "Sun, 22 Nov 2026 17:10:00 GMT".to_owned())];
        let signed = Signed { headers: &headers, ..signed(&Method::DELETE, &url, Some((0, ""))) };
        assert_eq!(
            signed.string_to_sign("myaccount"),
            "DELETE\n\n\n0\n\n\n\n\n\n\n\n\nocp-date:Sun, 22 Nov 2026 17:10:00 GMT\n\
             /myaccount/jobs/j\napi-version:2025-06-01"
        );
        assert_eq!(
            signed.authorization(&key()).unwrap(),
            "SharedKey myaccount:p4VntUH41mgAxk9xxpN4EK+iHLRqnQVy1j0LAiBlCPE="
        );
    }
}
