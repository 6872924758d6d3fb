//! The record of requests: kept in memory and, if asked for, written as JSON lines.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use serde::Serialize;

use super::answer::Answer;
use super::faults::RequestFault;
use super::tally::{OperationCount, Tally};

/// Query parameters whose values are never written down.
const SECRET: [&str; 2] = ["sig", "signature"];

/// A request that was answered, or struck by a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RequestRecord {
    /// The operation that it named: the title of its REST page, `Create Job` for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// The HTTP verb.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent, without secrets.
    pub query: String,
    /// The HTTP status of the answer; 0 if there is none because the request was not carried out.
    pub status: u16,
    /// The error code of the answer, if it was an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The id that the client gave the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// The fault that struck it, `create-job#1=drop-after` for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The requests that are kept; a client that polls for days must not fill the memory.
const KEPT: usize = 100_000;
/// The bytes of text that are kept of all of them.
const KEPT_TEXT: usize = 64 << 20;
/// The bytes that are kept of what a client wrote in one place.
const TEXT: usize = 2_048;

/// The last requests in the order in which they arrived.
pub(crate) struct Records {
    kept: Mutex<Kept>,
    log: Option<Mutex<File>>,
}

#[derive(Default)]
struct Kept {
    /// Each with whether it was answered or struck.
    requests: VecDeque<(RequestRecord, bool)>,
    /// The bytes of their texts.
    text: usize,
    /// How many were dropped before the first one.
    dropped: usize,
    tally: Tally,
}

/// The place of a request in the order of arrival.
pub(crate) struct Arrival(usize);

impl Records {
    /// # Errors
    /// When the log cannot be created.
    pub(crate) fn new(log: Option<&Path>) -> io::Result<Records> {
        let log = log.map(File::create).transpose()?.map(Mutex::new);
        Ok(Records { kept: Mutex::default(), log })
    }

    pub(crate) fn arrive(
        &self,
        request: &Request,
        operation: Option<&'static str>,
        fault: Option<&RequestFault>,
    ) -> Arrival {
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

    pub(super) fn answered(&self, arrival: Arrival, answer: &Answer) {
        let kept = &mut *self.kept();
        let place = arrival.0.checked_sub(kept.dropped);
        let found = place.and_then(|place| kept.requests.get_mut(place));
        let Some((record, answered)) = found else { return };
        record.status = answer.status;
        record.code.clone_from(&answer.code);
        *answered = true;
        kept.tally.count(record);
        self.write(record);
    }

    /// The requests that were answered or struck.
    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        let kept = self.kept();
        let answered = kept.requests.iter().filter(|(_, answered)| *answered);
        answered.map(|(record, _)| record.clone()).collect()
    }

    /// How often each operation was answered.
    pub(crate) fn operations(&self) -> Vec<OperationCount> {
        self.kept().tally.all()
    }

    /// A line that cannot be written is said on stderr; the request is answered all the same.
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
    /// Adds a request, and drops the first ones for which there is no room any more.
    fn push(&mut self, record: RequestRecord, answered: bool) -> Arrival {
        self.text += record.text();
        self.requests.push_back((record, answered));
        while self.requests.len() > KEPT || self.text > KEPT_TEXT {
            let Some((first, _)) = self.requests.pop_front() else { break };
            self.text -= first.text();
            self.dropped += 1;
        }
        Arrival(self.dropped + self.requests.len() - 1)
    }
}

impl RequestRecord {
    /// The bytes of what the client wrote.
    fn text(&self) -> usize {
        let id = self.client_request_id.as_ref().map_or(0, String::len);
        self.method.len() + self.path.len() + self.query.len() + id
    }
}

/// The text, or its beginning and how long it was.
fn cut(text: &str) -> String {
    match text.len() <= TEXT {
        true => text.to_owned(),
        false => format!("{}… ({} bytes)", &text[..text.floor_char_boundary(TEXT)], text.len()),
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
    fn what_is_kept_is_bounded_however_much_is_asked() {
        let records = Records::new(None).unwrap();
        let long = format!("/{}", "a".repeat(30_000));
        for path in ["/jobs", long.as_str()] {
            let uri = format!("{path}?{}", "q".repeat(3_000));
            let request = Request::builder().method("POST").uri(uri);
            let request = request.header("client-request-id", "i".repeat(60_000));
            let request = request.body(axum::body::Body::empty()).unwrap();
            for _ in 0..12_000 {
                records.arrive(&request, None, None);
            }
        }
        let kept = records.kept();
        let text: usize = kept.requests.iter().map(|(record, _)| record.text()).sum();
        assert_eq!(text, kept.text);
        assert!(text <= KEPT_TEXT && kept.requests.len() > 1_000, "{text}");
        assert_eq!(kept.requests.len() + kept.dropped, 24_000);
        let last = &kept.requests.back().unwrap().0;
        assert!(last.path.ends_with("… (30001 bytes)"), "{}", last.path.len());
    }

    #[test]
    fn a_signature_is_not_written_down() {
        assert_eq!(without_secrets("a=1&sig=abc&b=2"), "a=1&sig=<redacted>&b=2");
        assert_eq!(without_secrets(""), "");
    }
}
