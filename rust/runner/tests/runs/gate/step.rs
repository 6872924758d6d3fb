//! What a request is to a run: the same step has the same name in every run.

use std::fmt;

use url::Url;

/// The n-th request of its kind, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    pub(crate) kind: String,
    pub(crate) ordinal: usize,
}

impl Step {
    pub(crate) fn new(kind: &str, ordinal: usize) -> Self {
        Self { kind: kind.to_owned(), ordinal }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.kind, self.ordinal)
    }
}

/// The kind of a request to Batch, `get task`, or to Blob Storage, `put blob in`.
pub(crate) fn kind(method: &str, url: &Url) -> String {
    let method = method.to_lowercase();
    let parts: Vec<&str> = url.path_segments().unwrap().collect();
    let what = match parts[..] {
        ["pools", _] => "pool".to_owned(),
        ["jobs"] => "jobs".to_owned(),
        ["jobs", _] => "job".to_owned(),
        ["jobs", _, "terminate"] => "job/terminate".to_owned(),
        ["jobs", _, "tasks"] => "tasks".to_owned(),
        ["jobs", _, "tasks", _] => "task".to_owned(),
        ["jobs", _, "tasks", _, "terminate"] => "task/terminate".to_owned(),
        ["jobs", _, "tasks", _, "files", file] => file.to_owned(),
        [_account, _container] => "blobs".to_owned(),
        // All of a run's blobs are deleted alike, and in any order.
        [_, _, ..] if method == "delete" => "blob".to_owned(),
        [_, _, _, kind, ..] => format!("blob {kind}"),
        _ => url.path().to_owned(),
    };
    format!("{method} {what}")
}
