//! Which request is which operation.

use std::sync::Arc;

use futures::future::BoxFuture;
use percent_encoding::percent_decode_str;

use crate::error::{ApiError, Code, Result};
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::service::Service;

/// A REST operation.
pub(crate) struct Operation {
    /// The title of its REST page.
    pub(crate) name: &'static str,
    verb: &'static str,
    /// With names in braces for what may stand there; a last one with a star takes the rest.
    path: &'static str,
    run: Run,
}

/// What runs an operation. The last argument holds what stands for the names in its path.
enum Run {
    Now(fn(&Call, &Arc<Service>, &[String]) -> Result<Reply>),
    Later(Later),
}

type Later = for<'a> fn(&'a Call, &'a Arc<Service>, &'a [String]) -> BoxFuture<'a, Result<Reply>>;

/// An operation that answers at once.
pub(super) const fn now(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    run: fn(&Call, &Arc<Service>, &[String]) -> Result<Reply>,
) -> Operation {
    Operation { name, verb, path, run: Run::Now(run) }
}

/// An operation that waits for something before it answers.
pub(super) const fn later(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    run: Later,
) -> Operation {
    Operation { name, verb, path, run: Run::Later(run) }
}

/// The operation that a request names.
pub(crate) struct Route {
    operation: &'static Operation,
    /// What stands for the names in the operation's path.
    at: Vec<String>,
}

impl Route {
    /// The operation of this verb and path.
    ///
    /// # Errors
    /// `InvalidUri` for a path without operations or that is not UTF-8, `UnsupportedHttpVerb`
    /// for a verb that its resource does not have.
    pub(crate) fn find(verb: &str, path: &str) -> Result<Route> {
        let segments = segments(path)?;
        let mut path_exists = false;
        for operation in super::all() {
            let Some(at) = matches(operation.path, &segments) else { continue };
            path_exists = true;
            if operation.verb == verb {
                return Ok(Route { operation, at });
            }
        }
        Err(match path_exists {
            true => ApiError::from(Code::UnsupportedHttpVerb).with("HttpVerb", verb),
            false => ApiError::from(Code::InvalidUri)
                .with("Reason", "the emulator has no operation at this path"),
        })
    }

    /// The operation's name.
    pub(crate) fn name(&self) -> &'static str {
        self.operation.name
    }

    /// Runs the operation.
    ///
    /// # Errors
    /// What the operation refuses.
    pub(crate) async fn run(&self, call: &Call, service: &Arc<Service>) -> Result<Reply> {
        match self.operation.run {
            Run::Now(run) => run(call, service, &self.at),
            Run::Later(run) => run(call, service, &self.at).await,
        }
    }
}

/// A path, split at its slashes and decoded.
fn segments(path: &str) -> Result<Vec<String>> {
    let decode = |text| match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Code::InvalidUri.into()),
    };
    path.split('/').skip(1).map(decode).collect()
}

/// What stands for the names of an operation's path, if these segments are such a path.
fn matches(path: &str, segments: &[String]) -> Option<Vec<String>> {
    let (mut at, mut rest) = (Vec::new(), segments);
    for wanted in path.split('/') {
        if wanted.ends_with("*}") && !rest.is_empty() {
            at.push(rest.join("/"));
            return Some(at);
        }
        let (segment, others) = rest.split_first()?;
        match wanted.starts_with('{') {
            true => at.push(segment.clone()),
            false if wanted == segment => {}
            false => return None,
        }
        rest = others;
    }
    rest.is_empty().then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, request: &str) -> Option<Vec<String>> {
        let segments: Vec<String> = request.split('/').map(str::to_owned).collect();
        matches(path, &segments)
    }

    #[test]
    fn names_in_braces_take_a_segment_and_one_with_a_star_takes_the_rest() {
        let found = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(at("jobs", "jobs"), found(&[]));
        assert_eq!(at("jobs/{job}", "jobs/a"), found(&["a"]));
        assert_eq!(at("jobs/{job}/tasks", "jobs/a/tasks"), found(&["a"]));
        assert_eq!(at("t/{task}/files/{file*}", "t/a/files/wd/b"), found(&["a", "wd/b"]));
        for other in ["jobs", "jobs/a/b", "pools/a", "", "JOBS/a"] {
            assert_eq!(at("jobs/{job}", other), None, "{other}");
        }
        assert_eq!(at("t/{task}/files/{file*}", "t/a/files"), None);
    }

    #[test]
    fn no_two_operations_share_a_name_or_a_verb_and_path() {
        let all: Vec<&Operation> = super::super::all().collect();
        for (place, one) in all.iter().enumerate() {
            for other in &all[..place] {
                assert_ne!(one.name, other.name);
                assert_ne!((one.verb, one.path), (other.verb, other.path), "{}", one.name);
            }
        }
    }
}
