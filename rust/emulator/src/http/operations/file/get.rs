//! [Get Task File](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task-file)
//! and the same [of a node](https://learn.microsoft.com/rest/api/batchservice/nodes/get-node-file)

use std::io::SeekFrom;
use std::ops::Range;

use axum::body::Body;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{file_headers, url};
use crate::error::{ApiError, Code, Result};
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;
use crate::service::files::Owner;

/// Returns the content in chunks, as the service does. Returns 200 for a range too: Microsoft's Python and JavaScript clients do not accept 206.
pub(in crate::http::operations) async fn run(
    call: &Call,
    service: &Service,
    owner: &Owner<'_>,
    name: &str,
) -> Result<Reply> {
    call.allow_query(&[])?;
    let file = service.file(owner, name, &call.conditions()?)?;
    if file.is_directory {
        return Err(ApiError::from(Code::FileNotFound).with("Reason", "it is a directory"));
    }
    let (opened, length) = service.content(owner, name)?;
    let bytes = range(call.header("ocp-range"), length)?;
    let reply = file_headers(&file, &url(call, owner, name));
    let mut opened = File::from_std(opened);
    opened
        .seek(SeekFrom::Start(bytes.start))
        .await
        .map_err(|error| ApiError::internal("reading a file", &error))?;
    let length = bytes.end - bytes.start;
    let stream = ReaderStream::new(opened.take(length));
    Ok(reply.chunks(Body::from_stream(stream), length))
}

/// Returns the bytes of a file of this length that `ocp-range` asks for.
fn range(header: Option<&str>, length: u64) -> Result<Range<u64>> {
    let Some(text) = header else { return Ok(0..length) };
    let (start, end) = parse_range(text).ok_or_else(|| {
        ApiError::header("ocp-range", text, "it must be bytes=START-END or bytes=START-")
    })?;
    let end = end.map_or(length, |end| end.saturating_add(1).min(length));
    if start >= length {
        return Err(ApiError::from(Code::InvalidRange)
            .with("Range", text)
            .with("Length", length.to_string()));
    }
    Ok(start..end)
}

fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    let start = digits(start)?;
    match end {
        "" => Some((start, None)),
        end => digits(end).filter(|end| *end >= start).map(|end| (start, Some(end))),
    }
}

/// Parses a number without a sign; Rust would accept one.
fn digits(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the bytes that a range names, by a simple implementation of the documented syntax.
    fn bytes_of(content: &[u8], header: &str) -> Option<Vec<u8>> {
        let (start, end) = header.strip_prefix("bytes=")?.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if start.is_empty() || !digits(start) || !digits(end) {
            return None;
        }
        let end = if end.is_empty() { usize::MAX } else { end.parse().ok()? };
        let start = start.parse().ok()?;
        let numbered = content.iter().enumerate();
        let named = numbered.filter(|(at, _)| (start..=end).contains(at));
        (start <= end).then(|| named.map(|(_, byte)| *byte).collect())
    }

    proptest! {
        #[test]
        fn a_range_returns_the_bytes_that_it_names_or_is_refused(
            header in "bytes=[0-9+-]{0,5}|bytes=[0-9]{0,2}-[0-9]{0,2}|\\PC*",
            content in prop::collection::vec(any::<u8>(), 0..30),
        ) {
            let place = |number: u64| usize::try_from(number).unwrap();
            match (range(Some(&header), content.len() as u64), bytes_of(&content, &header)) {
                (Ok(range), named) => {
                    let brought = content[place(range.start)..place(range.end)].to_vec();
                    prop_assert_eq!(Some(brought), named);
                }
                (Err(error), None) => prop_assert_eq!(error.code, Code::InvalidHeaderValue),
                (Err(error), Some(named)) => {
                    prop_assert_eq!((error.code, named.len()), (Code::InvalidRange, 0));
                }
            }
        }
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        let cases = [
            (None, 5, 0..5),
            (None, 0, 0..0),
            (Some("bytes=0-"), 5, 0..5),
            (Some("bytes=1-3"), 5, 1..4),
            (Some("bytes=4-4"), 5, 4..5),
            (Some("bytes=2-99"), 5, 2..5),
            (Some("bytes=2-18446744073709551615"), 5, 2..5),
        ];
        for (header, length, expected) in cases {
            assert_eq!(range(header, length).unwrap(), expected, "{header:?} of {length}");
        }
    }

    #[test]
    fn a_start_at_the_end_is_not_satisfiable() {
        for (header, length) in [("bytes=5-", 5), ("bytes=9-10", 5), ("bytes=0-", 0)] {
            let code = range(Some(header), length).unwrap_err().code;
            assert_eq!(code, Code::InvalidRange, "{header} of {length}");
        }
    }

    #[test]
    fn other_ranges_are_refused() {
        for header in [
            "",
            "0-1",
            "bytes=-5",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes=3-1",
            "bytes=a-b",
            "bytes=0-1,3-4",
        ] {
            let code = range(Some(header), 9).unwrap_err().code;
            assert_eq!(code, Code::InvalidHeaderValue, "{header}");
        }
    }
}
