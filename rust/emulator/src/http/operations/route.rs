//! Finds the operation of a request.

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
    /// With path parameters in braces; a last one with a star takes the rest of the path.
    path: &'static str,
    run: Handler,
}

/// The function of an operation. The last argument holds the path parameters.
enum Handler {
    Sync(fn(&Call, &Arc<Service>, &[String]) -> Result<Reply>),
    Async(AsyncHandler),
}

type AsyncHandler =
    for<'a> fn(&'a Call, &'a Arc<Service>, &'a [String]) -> BoxFuture<'a, Result<Reply>>;

/// Returns an operation that responds at once.
pub(super) const fn sync(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    run: fn(&Call, &Arc<Service>, &[String]) -> Result<Reply>,
) -> Operation {
    Operation { name, verb, path, run: Handler::Sync(run) }
}

/// Returns an operation that waits before it responds.
pub(super) const fn asynchronous(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    run: AsyncHandler,
) -> Operation {
    Operation { name, verb, path, run: Handler::Async(run) }
}

/// The operation of a request.
pub(crate) struct Route {
    operation: &'static Operation,
    /// The path parameters.
    params: Vec<String>,
}

impl Route {
    /// Finds the operation of this verb and path.
    ///
    /// # Errors
    /// `InvalidUri` for an unknown path or one that is not UTF-8, `UnsupportedHttpVerb` for a verb
    /// that the path does not have.
    pub(crate) fn find(verb: &str, path: &str) -> Result<Route> {
        let segments = segments(path)?;
        let mut path_exists = false;
        for operation in super::all() {
            let Some(params) = matches(operation.path, &segments) else { continue };
            path_exists = true;
            if operation.verb == verb {
                return Ok(Route { operation, params });
            }
        }
        Err(match path_exists {
            true => ApiError::from(Code::UnsupportedHttpVerb).with("HttpVerb", verb),
            false => ApiError::from(Code::InvalidUri)
                .with("Reason", "the emulator has no operation at this path"),
        })
    }

    /// Returns the operation's name.
    pub(crate) fn name(&self) -> &'static str {
        self.operation.name
    }

    /// Runs the operation.
    ///
    /// # Errors
    /// Those of the operation.
    pub(crate) async fn run(&self, call: &Call, service: &Arc<Service>) -> Result<Reply> {
        match self.operation.run {
            Handler::Sync(run) => run(call, service, &self.params),
            Handler::Async(run) => run(call, service, &self.params).await,
        }
    }
}

/// Splits a path at its slashes and decodes the parts.
fn segments(path: &str) -> Result<Vec<String>> {
    let decode = |text| match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Code::InvalidUri.into()),
    };
    path.split('/').skip(1).map(decode).collect()
}

/// Returns the path parameters if the segments match the operation's path.
fn matches(path: &str, segments: &[String]) -> Option<Vec<String>> {
    let (mut params, mut rest) = (Vec::new(), segments);
    for wanted in path.split('/') {
        if wanted.ends_with("*}") && !rest.is_empty() {
            params.push(rest.join("/"));
            return Some(params);
        }
        let (segment, others) = rest.split_first()?;
        match wanted.starts_with('{') {
            true => params.push(segment.clone()),
            false if wanted == segment => {}
            false => return None,
        }
        rest = others;
    }
    rest.is_empty().then_some(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(path: &str, request: &str) -> Option<Vec<String>> {
        let segments: Vec<String> = request.split('/').map(str::to_owned).collect();
        matches(path, &segments)
    }

    #[test]
    fn names_in_braces_take_a_segment_and_one_with_a_star_takes_the_rest() {
        let found = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(params("jobs", "jobs"), found(&[]));
        assert_eq!(params("jobs/{job}", "jobs/a"), found(&["a"]));
        assert_eq!(params("jobs/{job}/tasks", "jobs/a/tasks"), found(&["a"]));
        assert_eq!(params("t/{task}/files/{file*}", "t/a/files/wd/b"), found(&["a", "wd/b"]));
        for other in ["jobs", "jobs/a/b", "pools/a", "", "JOBS/a"] {
            assert_eq!(params("jobs/{job}", other), None, "{other}");
        }
        assert_eq!(params("t/{task}/files/{file*}", "t/a/files"), None);
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
