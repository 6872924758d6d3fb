//! Batches as a service reads them, and answers to them.

use proptest::prelude::*;
use reqwest::header::HeaderMap;

use super::*;

/// What a service does with each blob.
fn any_answer() -> impl Strategy<Value = (u16, &'static str)> {
    prop_oneof![
        Just((202, "")),
        Just((404, "BlobNotFound")),
        Just((404, "ContainerNotFound")),
        Just((404, "")),
        Just((403, "AuthorizationFailure")),
        Just((409, "LeaseIdMissing")),
        Just((503, "ServerBusy")),
    ]
}

/// As the service writes it: an error has a body, which says what is in a header too.
fn written(number: usize, status: u16, code: &str) -> String {
    let part = format!(
        "--batchresponse_1\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\nHTTP/1.1 {status} A reason.\r\n"
    );
    let error = format!("<Error><Code>{code}</Code><Message>A message.\r\n\r\n</Message></Error>");
    match code {
        "" => part + "x-ms-version: 2022-11-02\r\n\r\n",
        _ => format!("{part}x-ms-error-code: {code}\r\nContent-Length: 9\r\n\r\n{error}\r\n"),
    }
}

proptest! {
    #[test]
    fn every_blob_is_in_the_batch_once_by_its_own_path(names in prop::collection::vec("[^\\p{Cc}/.]{1,20}", 1..40)) {
        let container = Url::parse("https://h/acct/box/").unwrap();
        let urls: Vec<_> = names.iter().map(|name| {
            let mut url = container.clone();
            url.path_segments_mut().unwrap().pop_if_empty().push(name);
            url
        }).collect();
        let url = Url::parse("https://h/acct/box?sig=a%2Fb").unwrap();
        let body = body(&urls, &Own { url, headers: HeaderMap::new() });
        let parts: Vec<_> = body.strip_suffix(&format!("--{BOUNDARY}--\r\n")).unwrap()
            .split(&format!("--{BOUNDARY}\r\n")).skip(1).collect();
        prop_assert_eq!(parts.len(), names.len());
        for (number, (part, url)) in parts.iter().zip(&urls).enumerate() {
            let (about, request) = part.split_once("\r\n\r\n").unwrap();
            prop_assert_eq!(header(about, "content-id"), Some(&*number.to_string()));
            let line = request.lines().next().unwrap();
            prop_assert_eq!(line, format!("DELETE {}?sig=a%2Fb HTTP/1.1", url.path()));
        }
    }

    #[test]
    fn those_are_gone_that_were_deleted_or_not_found(answers in prop::collection::vec(any_answer(), 0..30)) {
        let numbered = answers.iter().enumerate();
        let text: String = numbered.clone().map(|(n, (status, code))| written(n, *status, code)).collect();
        let expected: HashSet<_> = numbered
            .filter(|(_, answer)| matches!(answer, (202, _) | (404, "BlobNotFound")))
            .map(|(number, _)| number)
            .collect();
        prop_assert_eq!(gone((text + "--batchresponse_1--").as_bytes()), expected);
    }

    #[test]
    fn of_any_other_answer_nothing_is_gone(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
        prop_assert!(gone(&bytes).is_empty());
        prop_assert!(gone(text.as_bytes()).is_empty());
    }
}
