//! The record of requests: kept in memory and, if configured, written as JSON lines.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use serde::Serialize;

use super::answer::Answer;
use super::faults::RequestFault;
use super::operation_counts::{OperationCount, OperationCounts};

/// Query parameters whose values are never recorded.
const SECRET: [&str; 2] = ["sig", "signature"];

/// A request that was answered, or to which a fault applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RequestRecord {
    /// The requested operation: the title of its REST page, `Create Job` for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// The HTTP verb.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent, without secrets.
    pub query: String,
    /// The HTTP status of the response; 0 if the request was not carried out.
    pub status: u16,
    /// The error code of the response, if it was an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The client's id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// The fault that applied, `create-job#1=drop-after` for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The most requests that are kept, so that a client that polls for days does not fill the memory.
const MAX_KEPT: usize = 100_000;
/// The most bytes of text that are kept in all.
const MAX_KEPT_TEXT: usize = 64 << 20;
/// The most bytes that are kept of one text of a client.
const MAX_TEXT: usize = 2_048;

/// The last requests in the order of arrival.
pub(crate) struct Records {
    kept: Mutex<Kept>,
    log: Option<Mutex<File>>,
}

#[derive(Default)]
struct Kept {
    /// Each with whether it is complete: it was answered, or a fault applied.
    requests: VecDeque<(RequestRecord, bool)>,
    /// The bytes of their texts.
    text: usize,
    /// How many requests were dropped from the front.
    dropped: usize,
    operation_counts: OperationCounts,
}

/// The number of a request in the order of arrival.
pub(crate) struct RecordId(usize);

impl Records {
    /// # Errors
    /// When the log cannot be created.
    pub(crate) fn new(log: Option<&Path>) -> io::Result<Records> {
        let log = log.map(File::create).transpose()?.map(Mutex::new);
        Ok(Records { kept: Mutex::default(), log })
    }

    pub(crate) fn add(
        &self,
        request: &Request,
        operation: Option<&'static str>,
        fault: Option<&RequestFault>,
    ) -> RecordId {
        let id = request.headers().get("client-request-id");
        let record = RequestRecord {
            operation,
            method: cut(request.method().as_str()),
            path: cut(request.uri().path()),
            query: cut(&without_secrets(request.uri().query().unwrap_or(""))),
            status: 0,
            code: None,
            client_request_id: id.and_then(|id| id.to_str().ok()).map(cut),
            fault: fault.map(RequestFault::to_string),
        };
        self.kept().push(record, fault.is_some())
    }

    pub(super) fn complete(&self, id: RecordId, answer: &Answer) {
        let kept = &mut *self.kept();
        let place = id.0.checked_sub(kept.dropped);
        let found = place.and_then(|place| kept.requests.get_mut(place));
        let Some((record, answered)) = found else { return };
        record.status = answer.status;
        record.code.clone_from(&answer.code);
        *answered = true;
        kept.operation_counts.count(record);
        self.write(record);
    }

    /// Returns the requests that were answered or to which a fault applied.
    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        let kept = self.kept();
        let answered = kept.requests.iter().filter(|(_, answered)| *answered);
        answered.map(|(record, _)| record.clone()).collect()
    }

    /// Returns how often each operation was answered.
    pub(crate) fn operations(&self) -> Vec<OperationCount> {
        self.kept().operation_counts.all()
    }

    /// Writes a line to the log. If that fails, it is reported on stderr and the request is
    /// answered all the same.
    fn write(&self, record: &RequestRecord) {
        let Some(log) = &self.log else { return };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let line = serde_json::to_string(record).unwrap_or_default();
        if let Err(error) = writeln!(log, "{line}").and_then(|()| log.flush()) {
            eprintln!("the request log cannot be written: {error}");
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Adds a request, and drops the oldest ones if the limits are exceeded.
    fn push(&mut self, record: RequestRecord, answered: bool) -> RecordId {
        self.text += record.text();
        self.requests.push_back((record, answered));
        while self.requests.len() > MAX_KEPT || self.text > MAX_KEPT_TEXT {
            let Some((first, _)) = self.requests.pop_front() else { break };
            self.text -= first.text();
            self.dropped += 1;
        }
        RecordId(self.dropped + self.requests.len() - 1)
    }
}

impl RequestRecord {
    /// Returns the bytes of the texts that the client sent.
    fn text(&self) -> usize {
        let id = self.client_request_id.as_ref().map_or(0, String::len);
        self.method.len() + self.path.len() + self.query.len() + id
    }
}

/// Returns the text; if it is too long, its beginning and its length.
fn cut(text: &str) -> String {
    match text.len() <= MAX_TEXT {
        true => text.to_owned(),
        false => format!("{}… ({} bytes)", &text[..text.floor_char_boundary(MAX_TEXT)], text.len()),
    }
}

fn without_secrets(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if SECRET.contains(&name.to_lowercase().as_str()) => {
            format!("{name}=<redacted>")
        }
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_bounded_however_many_requests_arrive() {
        let records = Records::new(None).unwrap();
        let long = format!("/{}", "a".repeat(30_000));
        for path in ["/jobs", long.as_str()] {
            let uri = format!("{path}?{}", "q".repeat(3_000));
            let request = Request::builder().method("POST").uri(uri);
            let request = request.header("client-request-id", "i".repeat(60_000));
            let request = request.body(axum::body::Body::empty()).unwrap();
            for _ in 0..12_000 {
                records.add(&request, None, None);
            }
        }
        let kept = records.kept();
        let text: usize = kept.requests.iter().map(|(record, _)| record.text()).sum();
        assert_eq!(text, kept.text);
        assert!(text <= MAX_KEPT_TEXT && kept.requests.len() > 1_000, "{text}");
        assert_eq!(kept.requests.len() + kept.dropped, 24_000);
        let last = &kept.requests.back().unwrap().0;
        assert!(last.path.ends_with("… (30001 bytes)"), "{}", last.path.len());
    }

    #[test]
    fn a_signature_is_not_recorded() {
        assert_eq!(without_secrets("a=1&sig=abc&b=2"), "a=1&sig=<redacted>&b=2");
        assert_eq!(without_secrets(""), "");
    }
}
