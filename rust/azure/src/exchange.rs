//! How a request travels and its answer comes back, with both services: an answer takes no more
//! memory than was asked for and no time in which nothing happens.

use crate::{
    error::{Error, Result},
    pace::Pace,
};
use bytes::Bytes;
use futures::TryStream;
use reqwest::{
    Client, Request, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap},
};
use std::error::Error as StdError;

/// A page of a list, or another document. A thousand jobs take a few MiB.
pub(crate) const MAX_DOCUMENT: u64 = 16 * 1024 * 1024;

/// What is held of a list over all its pages, in bytes: half a million blobs with short names.
pub(crate) const MAX_LIST: usize = 64 * 1024 * 1024;

/// Parts of a document, its elements or values. An empty one takes three bytes as text and may
/// take a hundred in memory. A page of 5,000 blobs has about 250,000.
const MAX_PARTS: usize = 1_000_000;

/// More of an error's body is not read, in bytes.
const MAX_ERROR: u64 = 64 * 1024;

/// More is not set aside for a body before it comes, whatever length is announced.
const MAX_AHEAD: u64 = 16 * 1024 * 1024;

/// What is wanted of an answer's body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// All of it. One with more bytes than this is refused, and not read to its end.
    AtMost(u64),
    /// The bytes `[from, from + max)` of a file, whose service may send the whole file instead.
    Part { from: u64, max: u64 },
}

/// An answer that is a success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How many bytes came before those in `body` and were not wanted.
    pub(crate) skipped: u64,
}

impl Answer {
    /// The body, as a document of which each part has one of these marks.
    ///
    /// # Errors
    /// A `Protocol` error where it has more parts than any answer of the services.
    pub(crate) fn document(&self, marks: &[u8]) -> Result<&[u8]> {
        let parts = self.body.iter().filter(|byte| marks.contains(byte)).count();
        if parts > MAX_PARTS {
            return Err(Error::protocol(format!("the answer has more than {MAX_PARTS} parts")));
        }
        Ok(&self.body)
    }
}

/// Sends a request once, with its body in view, and reads the answer.
///
/// # Errors
/// An answer that is not a success is an error; so is one that is too long or too slow.
pub(crate) async fn exchange(
    http: &Client,
    request: Request,
    body: Bytes,
    wanted: Wanted,
) -> Result<Answer> {
    let pace = Pace::new();
    let length = body.len() as u64;
    begin(http, request, length, pace.slices(body), &pace).await?.read(wanted).await
}

/// The same, with a body of `length` bytes that is made while it is sent. Whoever makes it tells `pace` that it gets on.
pub(crate) async fn begin(
    http: &Client,
    mut request: Request,
    length: u64,
    body: impl TryStream<Ok = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
    pace: &Pace,
) -> Result<Incoming> {
    if length > 0 {
        // Or a body of unknown length would be sent in chunks, which is not what was signed.
        request.headers_mut().insert(CONTENT_LENGTH, length.into());
        *request.body_mut() = Some(reqwest::Body::wrap_stream(body));
    }
    let response = pace.keep(http.execute(request)).await?.map_err(Error::from_http)?;
    pace.restart();
    let mut incoming = Incoming { response, pace: pace.clone() };
    if incoming.response.status().is_success() {
        return Ok(incoming);
    }
    let (status, headers) = (incoming.response.status(), incoming.take_headers());
    let body = incoming.read(Wanted::Part { from: 0, max: MAX_ERROR }).await?.body;
    Err(Error::from_response(status, &headers, &body))
}

/// An answer that is a success, while its body comes.
pub(crate) struct Incoming {
    response: Response,
    pace: Pace,
}

impl Incoming {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next bytes, as they come. None after the last ones.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        let chunk = self.pace.keep(self.response.chunk()).await?.map_err(Error::from_http)?;
        self.pace.received(chunk.as_ref().map_or(0, Bytes::len));
        Ok(chunk)
    }

    pub(crate) async fn read(mut self, wanted: Wanted) -> Result<Answer> {
        let announced = self.response.content_length().unwrap_or(0);
        let mut body = Body::new(wanted, self.headers(), announced);
        while !body.is_complete()
            && let Some(chunk) = self.next().await?
        {
            body.push(&chunk)?;
        }
        Ok(body.into_answer(self.status(), self.take_headers()))
    }

    fn take_headers(&mut self) -> HeaderMap {
        std::mem::take(self.response.headers_mut())
    }
}

/// The first byte of `bytes 3-9/20`, the range that a body is.
pub(crate) fn first_of_range(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// A body on its way in.
pub(crate) struct Body {
    bytes: Vec<u8>,
    max: usize,
    refuses_more: bool,
    /// How much to skip if there are more than `max` bytes: then it is a file from its beginning.
    skip: u64,
    skipped: u64,
    announced: usize,
}

impl Body {
    pub(crate) fn new(wanted: Wanted, headers: &HeaderMap, announced: u64) -> Self {
        let (max, skip) = match wanted {
            Wanted::AtMost(max) => (max, 0),
            Wanted::Part { from, max } => {
                (max, from.saturating_sub(first_of_range(headers).unwrap_or(0)))
            }
        };
        Self {
            bytes: Vec::new(),
            max: to_usize(max),
            refuses_more: matches!(wanted, Wanted::AtMost(_)),
            skip,
            skipped: 0,
            announced: to_usize(announced.min(MAX_AHEAD)),
        }
    }

    /// Holds `max` bytes and the chunk at most.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.reserve(chunk.len());
        self.bytes.extend_from_slice(chunk);
        let is_longer = self.bytes.len() > self.max;
        if is_longer && self.refuses_more {
            let max = self.max;
            return Err(Error::protocol(format!(
                "the answer is longer than the expected {max} bytes"
            )));
        }
        if is_longer || self.skipped > 0 {
            let skip = to_usize(self.skip - self.skipped).min(self.bytes.len());
            self.bytes.drain(..skip);
            self.skipped += skip as u64;
        }
        self.bytes.truncate(self.max);
        Ok(())
    }

    pub(crate) fn is_complete(&self) -> bool {
        !self.refuses_more && self.bytes.len() == self.max && self.skipped == self.skip
    }

    pub(crate) fn into_answer(self, status: StatusCode, headers: HeaderMap) -> Answer {
        Answer { status, headers, body: self.bytes.into(), skipped: self.skipped }
    }

    /// A vector left to itself would take up to twice the room.
    fn reserve(&mut self, more: usize) {
        let length = self.bytes.len();
        if length + more > self.bytes.capacity() {
            let room = self.announced.max(2 * length).min(self.max).max(length + more);
            self.bytes.reserve_exact(room - length);
        }
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn body(wanted: Wanted, announced: u64) -> Body {
        Body::new(wanted, &HeaderMap::new(), announced)
    }

    #[test]
    fn a_body_takes_the_room_that_it_needs_and_no_more() {
        for announced in [0, 100_000, u64::MAX] {
            let mut body = body(Wanted::AtMost(100_000), announced);
            for _ in 0..100 {
                body.push(&[0; 1_000]).unwrap();
                assert!(body.bytes.capacity() <= 100_000, "{}", body.bytes.capacity());
            }
            let error = body.push(&[0]).unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Protocol, false));
            assert_eq!(error.to_string(), "the answer is longer than the expected 100000 bytes");
        }
    }

    #[test]
    fn what_was_read_of_a_file_before_is_not_held_again() {
        let mut body = body(Wanted::Part { from: 1 << 30, max: 1_000 }, u64::MAX);
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..1 << 10 {
            body.push(&chunk).unwrap();
            assert!(body.bytes.len() <= 1_000);
        }
        body.push(b"new").unwrap();
        assert_eq!((&*body.bytes, body.skipped, body.is_complete()), (&b"new"[..], 1 << 30, false));
        body.push(&chunk).unwrap();
        assert!(body.is_complete(), "the rest is not read");
    }
}
