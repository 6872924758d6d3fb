//! Files of a Batch task on its node: the two log streams above all.

use super::{
    BatchClient,
    request::{Request, task_path},
};
use crate::{
    Error, Result, encode,
    exchange::{Answer, Wanted, first_of_range},
    retry::Contact,
};
use bytes::Bytes;
use reqwest::{Method, header::CONTENT_LENGTH};
use url::Url;

#[cfg(test)]
mod properties;

/// The file is not there yet, or its node is gone or in trouble, for a while maybe: the ordinary life
/// of a log file, not an error.
const ABSENT: &[&str] = &[
    "FileNotFound",
    "NodeBeingRebooted",
    "NodeBeingReimaged",
    "NodeBeingStarted",
    "NodeNotFound",
    "NodeNotReady",
    "NodeStateUnusable",
    "OperationInvalidForCurrentState",
    "OperationNotValidOnNode",
    "TaskFilesUnavailable",
    "TaskFilesCleanedup",
];

/// The node cannot read its own disk. All else that is forbidden is so whatever the node's state is.
const FORBIDDEN_BY_NODE: &[&str] = &["IOError"];

impl BatchClient {
    /// The bytes `[from, from + max)` of a file, `path` being relative to the task directory
    /// (`stdout.txt`, `wd/out.txt`); empty where it has nothing at or past `from`. None: there is
    /// no such file (yet, or any more).
    ///
    /// [Get Task File](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task-file)
    ///
    /// # Errors
    /// `TaskNotFound` or `JobNotFound` (404), and what else the service refuses.
    pub async fn get_task_file(
        &self,
        job: &str,
        task: &str,
        path: &str,
        from: u64,
        max: u64,
    ) -> Result<Option<Bytes>> {
        if max == 0 {
            return Ok(Some(Bytes::new()));
        }
        let request = get_task_file_request(self.endpoint(), job, task, path, from, max);
        let part = Wanted::Part { from, max };
        let answer = match present(self.send_with(Contact::Later, &request, part).await) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(None),
            Err(error) if error.status() == Some(416) => return Ok(Some(Bytes::new())),
            Err(error) => return Err(error),
        };
        let start = match start_of(&answer, from, max) {
            Some(start) => start,
            // Where the piece lies cannot be known without the length: it has to be read again.
            None => match self.task_file_length(job, task, path).await? {
                Some(length) => guessed_start(from, size(&answer), length),
                None => return Ok(None),
            },
        };
        Ok(slice(answer.body, start.saturating_add(answer.skipped), from, max))
    }

    /// The length of a file in bytes. None: it cannot be read now.
    ///
    /// [Get Task File Properties](https://learn.microsoft.com/rest/api/batchservice/tasks/get-task-file-properties)
    async fn task_file_length(&self, job: &str, task: &str, path: &str) -> Result<Option<u64>> {
        let request = get_task_file_length_request(self.endpoint(), job, task, path);
        let answer = match present(self.send(&request).await) {
            // A HEAD has no body, so its 403 does not say whether it is about the node's disk. The next GET does.
            Err(error) if error.status() == Some(403) => return Ok(None),
            answer => answer?,
        };
        let Some(answer) = answer else { return Ok(None) };
        let length = answer.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        length.and_then(|length| length.parse().ok()).map(Some).ok_or_else(|| {
            Error::protocol("the answer has no Content-Length").during(&request.action)
        })
    }
}

/// Where a body of `size` bytes starts that may be the file's rest or the whole file: a rest ends no
/// later than the file does.
fn guessed_start(from: u64, size: u64, length: u64) -> u64 {
    if length >= from.saturating_add(size) { from } else { 0 }
}

/// An answer, or None where the error means that there is nothing to read. That of a HEAD has no code.
fn present(result: Result<Answer>) -> Result<Option<Answer>> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_absence(error: &Error) -> bool {
    match error.status() {
        Some(403) => error.has_code(FORBIDDEN_BY_NODE),
        Some(404 | 409) => error.code().is_none() || error.has_code(ABSENT),
        _ => false,
    }
}

/// The position in the file at which an answer's body starts; None where that is unknown.
/// Azure answers 200 for a range, as does a service that ignores ranges and sends the whole file,
/// which has at least `from` bytes, as so many were read before.
fn start_of(answer: &Answer, from: u64, max: u64) -> Option<u64> {
    let size = size(answer);
    match first_of_range(&answer.headers) {
        Some(first) => Some(first),
        None if from == 0 || size > max => Some(0),
        None if size < from => Some(from),
        None => None,
    }
}

/// The part of a body that was asked for. None where the body starts behind it.
fn slice(body: Bytes, start: u64, from: u64, max: u64) -> Option<Bytes> {
    let skip = usize::try_from(from.checked_sub(start)?).ok()?;
    let take = usize::try_from(max).unwrap_or(usize::MAX);
    let end = skip.saturating_add(take).min(body.len());
    Some(if skip < end { body.slice(skip..end) } else { Bytes::new() })
}

/// Of the body as it came.
fn size(answer: &Answer) -> u64 {
    answer.skipped + answer.body.len() as u64
}

fn get_task_file_request(
    endpoint: &Url,
    job: &str,
    task: &str,
    path: &str,
    from: u64,
    max: u64,
) -> Request {
    let last = from.saturating_add(max - 1);
    let action = format!("read file '{path}' of task '{task}' of job '{job}'");
    Request::get(endpoint, &file_path(job, task, path), &action).with_range(from, last)
}

fn get_task_file_length_request(endpoint: &Url, job: &str, task: &str, path: &str) -> Request {
    let action = format!("look at file '{path}' of task '{task}' of job '{job}'");
    Request::new(Method::HEAD, endpoint, &file_path(job, task, path), &action)
}

fn file_path(job: &str, task: &str, path: &str) -> String {
    format!("{}/files/{}", task_path(job, task), encode::path(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::{
        StatusCode,
        header::{CONTENT_RANGE, HeaderMap, HeaderValue},
    };

    fn answer(size: usize, range: Option<&'static str>) -> Answer {
        let range = range.map(|range| (CONTENT_RANGE, HeaderValue::from_static(range)));
        Answer {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter(range),
            body: vec![b'x'; size].into(),
            skipped: 0,
        }
    }

    #[test]
    fn a_file_is_asked_for_by_range_and_its_path_keeps_its_slashes() {
        let endpoint = Url::parse("https://h.example").unwrap();
        let request = get_task_file_request(&endpoint, "j", "t", "wd/a b#.txt", 10, 5);
        assert_eq!(request.url.path(), "/jobs/j/tasks/t/files/wd/a%20b%23.txt");
        assert_eq!(request.range, Some((10, 14)));
        let endless = get_task_file_request(&endpoint, "j", "t", "x", 10, u64::MAX);
        assert_eq!(endless.range, Some((10, u64::MAX)));
    }

    #[test]
    fn the_start_of_a_body_is_told_by_its_range_or_its_size() {
        assert_eq!(start_of(&answer(5, Some("bytes 7-11/12")), 7, 10), Some(7));
        assert_eq!(start_of(&answer(5, None), 0, 10), Some(0));
        assert_eq!(start_of(&answer(5, None), 7, 10), Some(7), "less than was read before");
        assert_eq!(start_of(&answer(12, None), 7, 10), Some(0), "more than was asked for");
        assert_eq!(start_of(&answer(8, None), 7, 10), None);
    }

    #[test]
    fn a_slice_never_repeats_what_was_read() {
        let body = Bytes::from_static(b"0123456789");
        assert_eq!(slice(body.clone(), 0, 4, 3).unwrap(), "456");
        assert_eq!(slice(body.clone(), 4, 4, 30).unwrap(), "0123456789");
        assert_eq!(slice(body.clone(), 0, 10, 3).unwrap(), "");
        assert_eq!(slice(body, 5, 4, 3), None, "it starts too late");
    }
}
