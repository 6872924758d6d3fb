//! Errors of services that send anything.

use proptest::prelude::*;
use reqwest::header::HeaderValue;
use serde_json::json;

use super::*;

fn headers(name: &'static str, value: &[u8]) -> HeaderMap {
    HeaderValue::from_bytes(value)
        .map(|value| HeaderMap::from_iter([(name.parse().unwrap(), value)]))
        .unwrap_or_default()
}

proptest! {
    #[test]
    fn any_body_tells_something_or_nothing(
        status in 300..600_u16,
        body in prop::collection::vec(any::<u8>(), 0..120),
        request_id in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let error = Error::from_response(status, &headers("request-id", &request_id), &body);
        prop_assert!(error.to_string().starts_with(status.as_str()), "{}", error);
        prop_assert_eq!(error.status(), Some(status.as_u16()));
    }

    #[test]
    fn an_error_is_one_line_without_signatures_whatever_its_message(
        before in "\\PC{0,12}",
        after in "[ \n\r&\"'<>)\\]};,]\\PC{0,12}|",
        secret in "[A-Za-z0-9%+/]{8,44}={0,2}",
    ) {
        let text = format!("{before}\nhttps://h/c?sv=1&sig={secret}{after}");
        let body = json!({"code": "X", "message": {"value": text}, "values": [{"key": "Url", "value": text}]});
        let error = Error::from_response(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.to_string().as_bytes());
        let shown = format!("{error} {error:?}");
        prop_assert!(!shown.contains(&secret), "{}", shown);
        prop_assert!(!error.to_string().contains(['\n', '\r']), "{}", error);
    }
}
